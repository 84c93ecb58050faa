import { randomUUID } from 'node:crypto';
import { type AgentInputItem, type NonStreamRunOptions, type RunResult, run as sdkRun } from '@openai/agents';
import type { AnyAgent, Effect, StepOptions, Workflow, WorkflowContext } from '../../agents/index.ts';
import { effects } from '../../agents/index.ts';
import { type JsonRecord, toInputItems, toInputText } from '../../storage/port/index.ts';
import { optionsOf } from '../run-options.ts';
import type { AttemptContext } from './attempt-context.ts';
import { jsonCodec } from './json-codec.ts';
import { labelledWork, RecordedWork, recordWork, type Work } from './recorded-work.ts';
import { type RunScope, rootScope, runScope } from './run-scope.ts';
import { applyApprovals, beginContext, type SdkRunDeps } from './sdk-run.ts';
import { workKeys } from './step-record.ts';
import { checkedAnswer } from './workflow-answer.ts';
import { viewOf } from './workflow-context.ts';
import { WorkflowWork } from './workflow-work.ts';

/** The longest name of a step, in characters. */
const nameCharsMax = 200;

/** Carries the run of a workflow out, until it ends or waits for a person. Resolves with its answer. */
export type WorkflowRun = (
  attempt: AttemptContext,
  workflow: Workflow,
  history: readonly JsonRecord[],
) => Promise<unknown>;

/** Makes the function that carries runs of workflows out. */
export function createWorkflowRun(deps: SdkRunDeps): WorkflowRun {
  const { defaults, turnsMax } = deps;
  return async (attempt, workflow, history) => {
    await attempt.untilStored(); // its code may have effects at once
    const runContext = await beginContext(attempt, deps);
    const work = new WorkflowWork(attempt, optionsOf(attempt.run).max_turns ?? turnsMax);
    // In this scope every run is a child: no model stands in front.
    const root = { ...rootScope(attempt, defaults), agent: attempt.run.agent, begun: true, workflow: work };
    const ctx = createWorkflowContext(root, work, runContext, history);
    try {
      const answer = await runScope.run(root, () => workflow.code(ctx));
      return await checkedAnswer(attempt.run.agent, workflow, answer);
    } finally {
      // Code that has ended because nothing could begin any more gives no answer.
      if (attempt.isInterrupted()) await attempt.interrupted;
      await work.end();
    }
  };
}

function createWorkflowContext(
  root: RunScope,
  work: WorkflowWork,
  context: object,
  history: readonly JsonRecord[],
): WorkflowContext {
  const { run } = root.attempt;
  const record = <T>(name: string, make: () => T) => recordValue(currentScope(root), work, name, make);
  return {
    input: { text: toInputText(run.input), items: toInputItems(run.input) as unknown as AgentInputItem[] },
    history: history.map((item) => item as unknown as AgentInputItem),
    context: viewOf(context, () => runScope.getStore() !== root),
    metadata: run.metadata,
    runId: run.id,
    sessionId: run.sessionId,
    tenant: run.tenantId,
    signal: work.signal,
    run: (agent, input, options) => handled(runApproved(root, work, agent, input, { context, ...options })),
    step: (name, code, options) => handled(executeStep(currentScope(root), root, work, name, code, options)),
    now: () => record('now', () => root.attempt.clock.nowMs()),
    random: () => record('random', () => Math.random()),
    uuid: () => record('uuid', () => randomUUID()),
  };
}

/** The scope of the code that is executing, which is in a step or a tool of this run, or is the workflow's own. */
function currentScope(root: RunScope): RunScope {
  const scope = runScope.getStore();
  return scope?.attempt === root.attempt ? scope : root;
}

/** A promise of which a rejection that nobody waits for does not end the process. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

const workOf = (scope: RunScope, label: string, name: string, effect: Effect): Work =>
  labelledWork(scope, label, { key: workKeys.step, kind: 'step', name, effect });

async function executeStep<T>(
  scope: RunScope,
  root: RunScope,
  work: WorkflowWork,
  name: string,
  code: () => T | Promise<T>,
  { effect = 'idempotent' }: StepOptions = {},
): Promise<T> {
  if (typeof name !== 'string' || name === '' || name.length > nameCharsMax) {
    throw new TypeError(`The name of a step has 1 to ${nameCharsMax} characters.`);
  }
  if (!effects.includes(effect)) throw new TypeError(`The effect of a step is one of ${effects.join(', ')}.`);
  const step = workOf(scope, `step:${name}`, name, effect);
  work.assertOpen();
  const execute = () => recordWork(step, code, jsonCodec<T>());
  return scope === root ? work.track(`${step.key}:${step.id}`, execute) : execute();
}

/** Records a value that would differ when the run is executed again. */
function recordValue<T>(scope: RunScope, work: WorkflowWork, name: string, make: () => T): T {
  work.assertOpen();
  const recording = new RecordedWork(workOf(scope, name, name, 'read'));
  const recorded = recording.recorded();
  if (recorded) return recorded.output as T;
  const value = make();
  recording.end({ status: 'completed', output: value as never });
  return value;
}

/** Runs an agent, and waits for the decisions about calls that need an approval. */
async function runApproved<TAgent extends AnyAgent>(
  root: RunScope,
  work: WorkflowWork,
  agent: TAgent,
  input: string | AgentInputItem[],
  options: NonStreamRunOptions<unknown, TAgent>,
): Promise<RunResult<unknown, TAgent>> {
  if ((options as { stream?: boolean }).stream === true) {
    throw new TypeError('ctx.run() waits for approvals and gives no stream; the run() of @openai/agents does.');
  }
  let result = await sdkRun(agent, input, options);
  while (result.interruptions.length > 0) {
    if (currentScope(root) !== root) {
      throw new Error('A step cannot wait for an approval: call ctx.run() outside of ctx.step().');
    }
    if (!applyApprovals(result, root.attempt)) await work.waitForDecisions(result.interruptions);
    result = await sdkRun(agent, result.state, options);
  }
  return result;
}
