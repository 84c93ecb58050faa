/** What is asked of every server, over HTTP and through the service. */
import type { ServiceUnderTest } from '../support/service.ts';
import { readEvents, type ServerSentEvent, textOf } from '../support/sse.ts';
import { contextTokens } from './model.ts';

/** The key that the service's own callers have. */
export const callerKey = 'key_servers-0123456789abcdef0123456789abcdef';

const headers = { 'content-type': 'application/json', authorization: `Bearer ${callerKey}` };

/** What came of a run. */
export type RunResult = {
  /** The status of the HTTP response. */
  httpStatus: number;
  /** The status of the run; `refused` if there is none in the answer. */
  status: string;
  /** The code of its error. */
  code: string | null;
  response: string | null;
  tokens: number;
  /** The tools that were called, with their arguments. */
  tools: string[];
  /** What the events of a streamed run add up to. */
  streamedText: string | null;
};

/** One scenario. */
export type Scenario = {
  name: string;
  /** What users are promised. */
  promise: string;
  run(service: ServiceUnderTest): Promise<RunResult>;
  /** Whether the result, after so many model calls, keeps the promise. */
  isRight(result: RunResult, modelCalls: number): boolean;
  /** Whether the service sends a key that the server does not accept. */
  wrongKey?: boolean;
};

type Run = {
  status?: string;
  code?: string;
  response?: string | null;
  tokens_used?: number;
  error?: { code: string } | null;
};

const resultOf = (httpStatus: number, run: Run, events: ServerSentEvent[] | null): RunResult => ({
  httpStatus,
  status: typeof run.status === 'string' ? run.status : 'refused',
  code: run.error?.code ?? run.code ?? null,
  response: run.response ?? null,
  tokens: run.tokens_used ?? 0,
  tools: (events ?? [])
    .filter(({ event }) => event === 'tool.started')
    .map(({ data }) => `${data.tool} ${JSON.stringify(data.arguments)}`),
  streamedText: events && textOf(events),
});

async function ask(service: ServiceUnderTest, agent: string, message: string): Promise<RunResult> {
  const { status, body } = await service.post('/api/v1/run', { agent, message }, headers);
  return resultOf(status, body as Run, null);
}

const open = (service: ServiceUnderTest, agent: string, message: string): Promise<Response> =>
  fetch(`${service.url}/api/v1/run/stream`, { method: 'POST', headers, body: JSON.stringify({ agent, message }) });

async function stream(service: ServiceUnderTest, agent: string, message: string): Promise<RunResult> {
  const response = await open(service, agent, message);
  const events = await readEvents(response).all();
  return resultOf(response.status, (events.at(-1)?.data.run ?? {}) as Run, events);
}

/** Cancels a streamed run as soon as it has a text. One that ends before has failed, as its result says. */
async function cancel(service: ServiceUnderTest): Promise<RunResult> {
  const response = await open(service, 'endless', question);
  const events = readEvents(response);
  const started = await events.next();
  await events.until('text.delta').catch(() => {});
  await service.post(`/api/v1/runs/${started?.data.run_id}/cancel`, {}, headers);
  const all = await events.all();
  return resultOf(response.status, (all.at(-1)?.data.run ?? {}) as Run, all);
}

const question = 'How can I return an item?';
const orderQuestion = 'Where is my order 1001?';

const isAnswered = ({ status, response, tokens, streamedText }: RunResult): boolean =>
  status === 'completed' && !!response?.trim() && tokens > 0 && (streamedText === null || streamedText === response);

const lookup = 'lookup_order {"order_number":"1001"}';
const track = 'track_shipment {"order_number":"1001"}';

/** Whether the text is what the agent's output type says. */
function isSorted(response: string | null): boolean {
  const { topic, urgent } = JSON.parse(response ?? '{}') as { topic?: unknown; urgent?: unknown };
  return ['delivery', 'return', 'other'].includes(topic as string) && typeof urgent === 'boolean';
}

/** Whether an answer that reached its token limit is told as such. */
const isCut = ({ code }: RunResult): boolean => code === 'output_limit_reached';

/** Whether an answer without a word is told as such. */
const isEmpty = ({ code }: RunResult): boolean => code === 'empty_answer';

/** All scenarios, in the order in which they are run. */
export const scenarios: readonly Scenario[] = [
  {
    name: 'plain',
    promise: 'a run is answered, and its tokens are counted',
    run: (service) => ask(service, 'front', question),
    isRight: isAnswered,
  },
  {
    name: 'stream',
    promise: 'a streamed run is answered, and its deltas add up to the answer',
    run: (service) => stream(service, 'front', question),
    isRight: isAnswered,
  },
  {
    name: 'tool',
    promise: 'a streamed run calls a tool with the right arguments and answers by its result',
    run: (service) => stream(service, 'orders', orderQuestion),
    isRight: (result) => isAnswered(result) && result.tools.join() === lookup,
  },
  {
    name: 'tool-unstreamed',
    promise: 'a run calls a tool and answers by its result',
    run: (service) => ask(service, 'orders', orderQuestion),
    isRight: (result, modelCalls) => isAnswered(result) && modelCalls > 1,
  },
  {
    name: 'named-tool',
    promise: 'a run calls the tool that its settings name',
    run: (service) => stream(service, 'named', orderQuestion),
    isRight: (result) => isAnswered(result) && result.tools.join() === lookup,
  },
  {
    name: 'two-tools',
    promise: 'a streamed run calls two tools in one answer',
    run: (service) => stream(service, 'parcels', orderQuestion),
    isRight: (result) => isAnswered(result) && result.tools.toSorted().join() === `${lookup},${track}`,
  },
  {
    name: 'structured',
    promise: 'an answer has the form of the output type',
    run: (service) => ask(service, 'sorter', 'My parcel has not come yet.'),
    isRight: (result) => isAnswered(result) && isSorted(result.response),
  },
  {
    name: 'structured-unguided',
    promise: 'an answer has the form of the output type, though the prompt says nothing of it',
    run: (service) => ask(service, 'unguided', 'My parcel has not come yet.'),
    // A small model that is held to the schema alone may write blanks until its limit.
    isRight: (result) => (isAnswered(result) && isSorted(result.response)) || result.code === 'output_limit_reached',
  },
  {
    name: 'cut',
    promise: 'an answer that its token limit has cut is no answer',
    run: (service) => ask(service, 'cut', question),
    isRight: isCut,
  },
  {
    name: 'cut-streamed',
    promise: 'a streamed answer that its token limit has cut is no answer',
    run: (service) => stream(service, 'cut', question),
    isRight: isCut,
  },
  {
    name: 'cut-call',
    promise: 'a tool call that the token limit has cut is not executed',
    run: (service) => stream(service, 'cutCall', orderQuestion),
    isRight: isCut,
  },
  {
    name: 'empty',
    promise: 'an answer without a word is no answer',
    run: (service) => ask(service, 'silent', question),
    isRight: isEmpty,
  },
  {
    name: 'empty-streamed',
    promise: 'a streamed answer without a word is no answer',
    run: (service) => stream(service, 'silent', question),
    isRight: isEmpty,
  },
  {
    name: 'cancelled',
    promise: 'a run that is cancelled while its text is streamed ends as cancelled',
    run: cancel,
    isRight: ({ status }) => status === 'cancelled',
  },
  {
    name: 'context-overflow',
    promise: 'a conversation that is too long is told as such',
    run: (service) => ask(service, 'cut', 'Is it here yet? '.repeat(contextTokens)),
    isRight: ({ httpStatus, code }) => httpStatus === 400 && code === 'context_length_exceeded',
  },
  {
    name: 'context-overflow-streamed',
    promise: 'a conversation that is too long is told as such in the stream',
    run: (service) => stream(service, 'cut', 'Is it here yet? '.repeat(contextTokens)),
    isRight: ({ status, code }) => status === 'failed' && code === 'context_length_exceeded',
  },
  {
    name: 'wrong-model',
    promise: 'a model that the server does not have is answered by another or is a fault of the provider',
    run: (service) => ask(service, 'lost', question),
    // A server with one model may answer by it, whatever it is called.
    isRight: (result) => isAnswered(result) || result.code === 'provider_error',
  },
  {
    name: 'unknown-key',
    promise: 'a key that the server does not know is a fault of the provider',
    wrongKey: true,
    run: (service) => ask(service, 'front', question),
    isRight: ({ code }) => code === 'provider_error',
  },
];
