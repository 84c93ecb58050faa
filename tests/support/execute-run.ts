import type { ModelProvider, ModelRequest, SessionInputCallback } from '@openai/agents';
import {
  type AnyAgent,
  createAgentRegistry,
  createModelChoices,
  type ModelsOption,
  toRunContexts,
  type Workflow,
} from '../../src/agents/index.ts';
import type { RunBudget } from '../../src/budgets/index.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { toRunEvent } from '../../src/runs/events/stored-events.ts';
import { createExecutor } from '../../src/runs/execution/executor.ts';
import { journalProvider } from '../../src/runs/execution/journaled-model.ts';
import { letRequestsChooseModels } from '../../src/runs/execution/requested-model.ts';
import type { RunDefaults } from '../../src/runs/execution/run-scope.ts';
import type { RunnerOptions } from '../../src/runs/execution/runner-options.ts';
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
  /** Gives the models of the run. Defaults to one whose models reply by `reply`. */
  modelProvider?: ModelProvider;
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
  /** The option `runner` of `serve()`. Defaults to none. */
  runner?: RunnerOptions;
  /** The option `models` of `serve()`, where the agent is `main`. Defaults to none. */
  models?: ModelsOption;
  /** What the request has chosen. Defaults to nothing. */
  options?: Run['options'];
  /** See `RunDefaults`. Defaults to none; with it, the run has a budget that is never used up. */
  maxCostOf?: RunDefaults['maxCostOf'];
};

/** A budget that asks what a call may cost, and never refuses it. */
const unlimitedBudget: RunBudget = {
  reserve: async (makeRequest) => {
    makeRequest();
    return null;
  },
};

/** Executes a run of one agent or workflow over a journal and a model in memory. */
export async function execute(agent: AnyAgent | Workflow, setup: ExecuteSetup) {
  const { reply, mode = 'blocking', signal, context, journal, message = 'hello', history = [], sessionInput } = setup;
  const { runner, models, options = null, maxCostOf } = setup;
  const { turnsMax = runner?.maxTurns ?? 5 } = setup;
  const stub = createStubModel(reply);
  const modelProvider = journalProvider(setup.modelProvider ?? stub.provider);
  const defaults = { modelProvider, model: 'stub-1', maxCostOf };
  const agents = createAgentRegistry({ main: agent });
  letRequestsChooseModels(createModelChoices(agents, models));
  const executor = createExecutor({
    agents,
    runner,
    contexts: toRunContexts(context),
    sessionContext: async () => null,
    sessionInput,
    defaults,
    turnsMax,
    approvalExpiryMs: 60_000,
    clock: systemClock,
  });
  const memory = journal ?? createMemoryJournal();
  const run = { ...newRun(mode), message, options, attempt: memory.attempts + 1 };
  const attempt = memory.open(run, signal, maxCostOf && unlimitedBudget);
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
