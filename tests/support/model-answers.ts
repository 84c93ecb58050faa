/** Answers of both APIs as providers send them, for tests of what reads them. */

type Fields = Record<string, unknown>;

const chatUsage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
const responseUsage = {
  input_tokens: 3,
  input_tokens_details: { cached_tokens: 1 },
  output_tokens: 4,
  output_tokens_details: { reasoning_tokens: 2 },
  total_tokens: 7,
};

/** A chat completion with one choice. */
export const chatAnswer = (message: Fields, finishReason = 'stop', fields: Fields = {}) => ({
  id: 'chatcmpl_1',
  object: 'chat.completion',
  created: 1_767_225_600,
  model: 'gpt-4.1',
  choices: [{ index: 0, finish_reason: finishReason, message: { role: 'assistant', ...message } }],
  usage: chatUsage,
  ...fields,
});

export const chatToolCall = (id: string, name: string, args: string) => ({
  id,
  type: 'function',
  function: { name, arguments: args },
});

/** A response with these items. */
export const responseAnswer = (output: Fields[], fields: Fields = {}) => ({
  id: 'resp_1',
  object: 'response',
  created_at: 1_767_225_600,
  status: 'completed',
  error: null,
  incomplete_details: null,
  model: 'gpt-4.1',
  output,
  usage: responseUsage,
  ...fields,
});

export const messageItem = (text: string) => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text, annotations: [] }],
});

export const callItem = (callId: string, name: string, args: string) => ({
  id: `fc_${callId}`,
  type: 'function_call',
  call_id: callId,
  name,
  arguments: args,
  status: 'completed',
});

/** An event of a chat stream. */
export const chatChunk = (delta: Fields, finishReason: string | null = null, fields: Fields = {}) =>
  `data: ${JSON.stringify({
    id: 'chatcmpl_1',
    object: 'chat.completion.chunk',
    created: 1_767_225_600,
    model: 'gpt-4.1',
    choices: [{ index: 0, delta, finish_reason: finishReason }],
    ...fields,
  })}\n\n`;

/** The event of a chat stream that tells its usage. */
export const chatUsageChunk = chatChunk({}, null, { choices: [], usage: chatUsage });
export const chatDone = 'data: [DONE]\n\n';

/** An event of a response's stream. */
export const responseEvent = (type: string, fields: Fields) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;

/** A response's stream up to its first piece of text. */
export const responseBegun =
  responseEvent('response.created', { response: responseAnswer([], { status: 'in_progress' }) }) +
  responseEvent('response.output_item.added', { output_index: 0, item: messageItem('') });

export const responseDelta = (delta: string) =>
  responseEvent('response.output_text.delta', { item_id: 'msg_1', output_index: 0, content_index: 0, delta });

export const responseCompleted = (output: Fields[]) =>
  responseEvent('response.completed', { response: responseAnswer(output) });

/** A whole chat stream that says these pieces. */
export const chatStream = (...pieces: string[]) =>
  pieces.map((content) => chatChunk({ content })).join('') + chatChunk({}, 'stop') + chatUsageChunk + chatDone;

/** A response's whole stream that says these pieces. */
export const responseStream = (...pieces: string[]) =>
  responseBegun + pieces.map(responseDelta).join('') + responseCompleted([messageItem(pieces.join(''))]);
