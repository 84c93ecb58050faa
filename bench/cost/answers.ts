/** What the lean provider answers: the Responses API's shapes, ready to be sent but for their ids. */

const createdAt = 1_767_225_600;
const usage = {
  input_tokens: 40,
  input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
  output_tokens: 50,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 90,
};

/** Tokens of a streamed answer; its text, and that of the others. */
export const tokens = Array.from({ length: 50 }, (_, index) => (index === 0 ? 'Word' : ` word${index}`));
export const text = tokens.join('');

const base = (id: string) => ({
  id: `resp_${id}`,
  object: 'response',
  created_at: createdAt,
  status: 'in_progress',
  background: false,
  error: null,
  incomplete_details: null,
  instructions: 'You are helpful.',
  max_output_tokens: null,
  metadata: {},
  model: 'gpt-4.1-2025-04-14',
  output: [] as object[],
  parallel_tool_calls: true,
  previous_response_id: null,
  reasoning: { effort: null, summary: null },
  service_tier: 'default',
  store: true,
  temperature: 1,
  text: { format: { type: 'text' }, verbosity: 'medium' },
  tool_choice: 'auto',
  tools: [],
  top_p: 1,
  truncation: 'disabled',
  user: null,
});

const message = (id: string, status: string, content: object[]) => ({
  id: `msg_${id}`,
  type: 'message',
  role: 'assistant',
  status,
  content,
});

const textPart = (of: string) => ({ type: 'output_text', annotations: [], logprobs: [], text: of });

const completed = (id: string, output: object[]) => ({ ...base(id), status: 'completed', output, usage });

/** An answer in words. */
export const answerInWords = (id: string): string =>
  JSON.stringify(completed(id, [message(id, 'completed', [textPart(text)])]));

/** A call of the tool `lookup_order`. */
export const answerWithCall = (id: string): string =>
  JSON.stringify(
    completed(id, [
      {
        id: `fc_${id}`,
        type: 'function_call',
        status: 'completed',
        call_id: `call_${id}`,
        name: 'lookup_order',
        arguments: '{"order_id":"1001"}',
      },
    ]),
  );

/** The events of a streamed answer in words: those before its first token, one a token, and those after the last. */
export function streamedAnswer(id: string): { before: string; tokens: string[]; after: string } {
  let sequence = 0;
  const event = (type: string, data: object) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...data, sequence_number: sequence++ })}\n\n`;
  const place = { item_id: `msg_${id}`, output_index: 0, content_index: 0 };
  const item = message(id, 'completed', [textPart(text)]);
  const before = [
    event('response.created', { response: base(id) }),
    event('response.in_progress', { response: base(id) }),
    event('response.output_item.added', { output_index: 0, item: message(id, 'in_progress', []) }),
    event('response.content_part.added', { ...place, part: textPart('') }),
  ];
  const between = tokens.map((delta) => event('response.output_text.delta', { ...place, delta, logprobs: [] }));
  const after = [
    event('response.output_text.done', { ...place, text, logprobs: [] }),
    event('response.content_part.done', { ...place, part: textPart(text) }),
    event('response.output_item.done', { output_index: 0, item }),
    event('response.completed', { response: completed(id, [item]) }),
  ];
  return { before: before.join(''), tokens: between, after: after.join('') };
}
