/**
 * One run carried out twice in this process: by a `Runner` of the SDK's own, and by the service with the same options.
 * What comes of both is compared, and so are the requests that their models receive.
 */
import { type AgentInputItem, MemorySession, type ModelRequest, Runner } from '@openai/agents';
import type { AnyAgent } from '../../src/agents/index.ts';
import type { RunnerOptions } from '../../src/runs/execution/runner-options.ts';
import { toRunConfig } from '../../src/runs/execution/runner-options.ts';
import { classifyFailure } from '../../src/runs/run-failure.ts';
import type { JsonRecord } from '../../src/storage/port/index.ts';
import { execute } from './execute-run.ts';
import { createMemoryJournal, type MemoryJournal } from './memory-journal.ts';
import { createStubModel, type StubReply } from './stub-model.ts';

/** A run with fresh agents: `seen` collects what functions of the application were called with. */
export type Subject = {
  agent: AnyAgent;
  reply: (request: ModelRequest) => StubReply;
  runner: RunnerOptions;
  seen: unknown[];
};

/** What came of a run: its answer, or the code and the sentence of its error. */
type Outcome = { answer: unknown } | { code: string; detail: string };
/** A run as a caller, a model and the application saw it. */
export type Transcript = { outcome: Outcome; requests: unknown[]; seen: unknown[] };

const comparable = ({ systemInstructions, input, modelSettings, tools, handoffs, outputType }: ModelRequest) =>
  JSON.parse(JSON.stringify({ systemInstructions, input, modelSettings, tools, handoffs, outputType }));

/** Carries a run out by the SDK alone. `session` has the items of the session afterwards. */
export async function runBySdk({ agent, reply, runner, seen }: Subject, streamed: boolean) {
  const stub = createStubModel(reply);
  const session = new MemorySession();
  const { maxTurns = 5, errorHandlers, on = {} } = runner;
  const own = new Runner({ ...toRunConfig(runner), modelProvider: stub.provider });
  for (const [name, listener] of Object.entries(on)) own.on(name as 'agent_start', listener as never);
  // As a list, since a session refuses a text; the service has one message too.
  const input: AgentInputItem[] = [{ type: 'message', role: 'user', content: 'hello' }];
  const options = { maxTurns, errorHandlers, session, context: {} };
  const play = async (): Promise<unknown> => {
    if (!streamed) return (await own.run(agent, input, options)).finalOutput;
    const result = await own.run(agent, input, { ...options, stream: true });
    for await (const _ of result);
    await result.completed;
    return result.finalOutput;
  };
  const outcome: Outcome = await play().then(
    (answer) => ({ answer }),
    (error: unknown) => failureOf(error, maxTurns),
  );
  const transcript: Transcript = { outcome, requests: stub.requests.map(comparable), seen };
  return { transcript, items: (await session.getItems()) as unknown as JsonRecord[] };
}

function failureOf(error: unknown, maxTurns: number): Outcome {
  const context = { fromModel: () => false, agent: null, replayed: false, maxTurns, nowMs: 0 };
  const { code, detail } = classifyFailure(error, context).error;
  return { code, detail };
}

/** Carries a run out by the service, over what `journal` has of it. */
export async function runByService(
  { agent, reply, runner, seen }: Subject,
  streamed: boolean,
  journal?: MemoryJournal,
) {
  const { final, stub, memory } = await execute(agent, {
    reply,
    runner,
    mode: streamed ? 'stream' : 'blocking',
    ...(journal && { journal }),
  });
  const error = final?.error;
  const outcome: Outcome = error
    ? { code: error.code, detail: error.detail }
    : { answer: final?.output ?? final?.response };
  const transcript: Transcript = { outcome, requests: stub.requests.map(comparable), seen };
  return { transcript, items: final?.newItems ?? [], drift: final?.drift, memory };
}

/** The journal of a run whose process died after so many of its steps. */
export function journalAfter(stepsCount: number, whole: MemoryJournal): MemoryJournal {
  const journal = createMemoryJournal();
  journal.write({ steps: whole.steps().slice(0, stepsCount), events: [] });
  journal.attempts = 1;
  return journal;
}

/** How many calls of the service's model the journal answers; models that agents bring along are not among them. */
export const recordedCalls = (journal: MemoryJournal): number =>
  journal
    .steps()
    .filter(({ kind, name, status }) => kind === 'model_call' && name === 'stub-1' && status === 'completed').length;
