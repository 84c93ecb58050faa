/** What is asked of every server, over HTTP and through the service. */
import type { ServiceUnderTest } from '../support/service.ts';
import { readEvents, type ServerSentEvent, textOf } from '../support/sse.ts';
import { contextTokens } from './install.ts';

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
  run(service: ServiceUnderTest): Promise<RunResult>;
  /** Whether the result, after so many model calls, is what users are promised. */
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

/** Cancels a streamed run as soon as it has a text. */
async function cancel(service: ServiceUnderTest): Promise<RunResult> {
  const response = await open(service, 'endless', question);
  const events = readEvents(response);
  const started = await events.next();
  await events.until('text.delta');
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
  { name: 'plain', run: (service) => ask(service, 'front', question), isRight: isAnswered },
  { name: 'stream', run: (service) => stream(service, 'front', question), isRight: isAnswered },
  {
    name: 'tool',
    run: (service) => stream(service, 'orders', orderQuestion),
    isRight: (result) => isAnswered(result) && result.tools.join() === lookup,
  },
  {
    name: 'tool-unstreamed',
    run: (service) => ask(service, 'orders', orderQuestion),
    isRight: (result, modelCalls) => isAnswered(result) && modelCalls > 1,
  },
  {
    name: 'named-tool',
    run: (service) => stream(service, 'named', orderQuestion),
    isRight: (result) => isAnswered(result) && result.tools.join() === lookup,
  },
  {
    name: 'two-tools',
    run: (service) => stream(service, 'parcels', orderQuestion),
    isRight: (result) => isAnswered(result) && result.tools.toSorted().join() === `${lookup},${track}`,
  },
  {
    name: 'structured',
    run: (service) => ask(service, 'sorter', 'My parcel has not come yet.'),
    isRight: (result) => isAnswered(result) && isSorted(result.response),
  },
  {
    name: 'structured-unguided',
    run: (service) => ask(service, 'unguided', 'My parcel has not come yet.'),
    // A small model that is held to the schema alone may write blanks until its limit.
    isRight: (result) => (isAnswered(result) && isSorted(result.response)) || result.code === 'output_limit_reached',
  },
  { name: 'cut', run: (service) => ask(service, 'cut', question), isRight: isCut },
  { name: 'cut-streamed', run: (service) => stream(service, 'cut', question), isRight: isCut },
  { name: 'cut-call', run: (service) => stream(service, 'cutCall', orderQuestion), isRight: isCut },
  { name: 'empty', run: (service) => ask(service, 'silent', question), isRight: isEmpty },
  { name: 'empty-streamed', run: (service) => stream(service, 'silent', question), isRight: isEmpty },
  { name: 'cancelled', run: cancel, isRight: ({ status }) => status === 'cancelled' },
  {
    name: 'context-overflow',
    run: (service) => ask(service, 'front', 'Is it here yet? '.repeat(contextTokens)),
    isRight: ({ httpStatus, code }) => httpStatus === 400 && code === 'context_length_exceeded',
  },
  {
    name: 'context-overflow-streamed',
    run: (service) => stream(service, 'front', 'Is it here yet? '.repeat(contextTokens)),
    isRight: ({ status, code }) => status === 'failed' && code === 'context_length_exceeded',
  },
  {
    name: 'wrong-model',
    run: (service) => ask(service, 'lost', question),
    // A server with one model may answer by it, whatever it is called.
    isRight: (result) => isAnswered(result) || result.code === 'provider_error',
  },
  {
    name: 'unknown-key',
    wrongKey: true,
    run: (service) => ask(service, 'front', question),
    isRight: ({ code }) => code === 'provider_error',
  },
];
