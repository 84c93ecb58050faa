import type { ModelRequest, SessionInputCallback } from '@openai/agents';
import { type AnyAgent, createAgentRegistry, toRunContexts } from '../../src/agents/index.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { toRunEvent } from '../../src/runs/events/stored-events.ts';
import { createExecutor } from '../../src/runs/execution/executor.ts';
import { journalProvider } from '../../src/runs/execution/journaled-model.ts';
import type { JsonRecord, Run, RunMode } from '../../src/storage/port/index.ts';
import { noUsage } from '../../src/storage/port/index.ts';
import { createMemoryJournal, type MemoryJournal } from './memory-journal.ts';
import { createStubModel, type StubReply } from './stub-model.ts';

/** A run that has just started, for tests that need no store. */
export const newRun = (mode: RunMode): Run => ({
  id: 'run_1',
  tenantId: 'default',
  sessionId: 's-1',
  status: 'running',
  mode,
  agent: 'main',
  lastAgent: null,
  model: null,
  simulated: false,
  input: { text: 'hello' },
  metadata: { channel: 'web' },
  options: null,
  response: null,
  output: null,
  annotations: null,
  files: null,
  usage: noUsage,
  costUsd: null,
  error: null,
  requiredAction: null,
  drift: false,
  attempt: 1,
  crashes: 0,
  ownerId: 'proc_1',
  timeoutMs: 30_000,
  priority: 0,
  runAtMs: null,
  sessionSeqAtStart: 0,
  requestId: 'req_1',
  appVersion: '0',
  budgetKeyId: null,
  sdkVersion: '0',
  firstTokenMs: null,
  createdAtMs: 0,
  startedAtMs: 0,
  finishedAtMs: null,
});

/** How a run is executed in a test. */
export type ExecuteSetup = {
  reply: (request: ModelRequest) => StubReply | Promise<StubReply>;
  mode?: RunMode;
  signal?: AbortSignal;
  context?: (run: { runId: string }) => unknown;
  /** The journal of earlier attempts. Defaults to an empty one. */
  journal?: MemoryJournal;
  message?: string;
  /** The items of the session. Defaults to none. */
  history?: readonly JsonRecord[];
  sessionInput?: SessionInputCallback;
  /** Defaults to 5. */
  turnsMax?: number;
};

/** Executes a run of one agent over a journal and a model in memory. */
export async function execute(agent: AnyAgent, setup: ExecuteSetup) {
  const { reply, mode = 'blocking', signal, context, journal, message = 'hello', history = [], sessionInput } = setup;
  const { turnsMax = 5 } = setup;
  const stub = createStubModel(reply);
  const defaults = { modelProvider: journalProvider(stub.provider), model: 'stub-1' };
  const agents = createAgentRegistry({ main: agent });
  const executor = createExecutor({
    agents,
    contexts: toRunContexts(context),
    sessionContext: async () => null,
    sessionInput,
    defaults,
    turnsMax,
    approvalExpiryMs: 60_000,
    clock: systemClock,
  });
  const memory = journal ?? createMemoryJournal();
  const run = { ...newRun(mode), message, attempt: memory.attempts + 1 };
  const attempt = memory.open(run, signal);
  const execution = await executor.execute(attempt, history);
  await memory.close(attempt);
  const events = memory.events.map((event) => toRunEvent(run, event));
  return {
    execution,
    events,
    stub,
    memory,
    final: execution.type === 'ended' ? execution.final : undefined,
    paused: execution.type === 'paused' ? execution.paused : undefined,
  };
}
