import type { ServerResponse } from 'node:http';
import { responseAnswer, responseEvent } from '../support/model-answers.ts';
import type { Turn } from './script.ts';

type Fields = Record<string, unknown>;

/** What is answered: a turn of the script, to a request, as the answer of this number. */
export type Answering = { turn: Turn; body: Fields; number: number };

/** The arguments of a call as the model writes them. */
export const argumentsOf = (args: Fields | string = {}): string =>
  typeof args === 'string' ? args : JSON.stringify(args);

function outputOf({ text, calls = [], reasoning, items = [] }: Turn, number: number): Fields[] {
  const summary = [{ type: 'summary_text', text: reasoning }];
  const content = [{ type: 'output_text', annotations: [], logprobs: [], text }];
  return [
    ...(reasoning === undefined ? [] : [{ id: `rs_${number}`, type: 'reasoning', summary }]),
    ...JSON.parse(JSON.stringify(items).replaceAll('#', `${number}`)),
    ...(text === undefined
      ? []
      : [{ id: `msg_${number}`, type: 'message', status: 'completed', role: 'assistant', content }]),
    ...calls.map(({ name, args, namespace }, at) => ({
      id: `fc_${number}${at}`,
      type: 'function_call',
      status: 'completed',
      call_id: `call_${number}${at}`,
      name,
      ...(namespace === undefined ? {} : { namespace }),
      arguments: argumentsOf(args),
    })),
  ];
}

/** The events of one item. */
function eventsOf(item: Fields, output_index: number): string {
  const at = { item_id: item.id, output_index };
  const [first] = (item.content ?? item.summary ?? []) as { text?: string }[];
  const pieces = first?.text?.match(/.{1,12}/gs) ?? [];
  const deltas = pieces.map((delta) =>
    item.type === 'message'
      ? responseEvent('response.output_text.delta', { ...at, content_index: 0, delta, logprobs: [] })
      : responseEvent('response.reasoning_summary_text.delta', { ...at, summary_index: 0, delta }),
  );
  return [
    responseEvent('response.output_item.added', { output_index, item }),
    ...deltas,
    responseEvent('response.output_item.done', { output_index, item }),
  ].join('');
}

/** Answers a request of the Responses API, streamed or whole. */
export function writeResponse(response: ServerResponse, { turn, body, number }: Answering): void {
  const output = outputOf(turn, number);
  const answer = responseAnswer(output, { id: `resp_${number}`, model: body.model ?? 'gpt-4.1' });
  response.writeHead(200, { 'content-type': body.stream === true ? 'text/event-stream' : 'application/json' });
  if (body.stream !== true) return void response.end(JSON.stringify(answer));
  const begun = { ...answer, status: 'in_progress', output: [], usage: null };
  response.write(responseEvent('response.created', { response: begun }));
  for (const [at, item] of output.entries()) response.write(eventsOf(item, at));
  response.end(responseEvent('response.completed', { response: answer }));
}
