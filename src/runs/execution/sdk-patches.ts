import {
  Agent,
  type Handoff,
  type Model,
  type ModelProvider,
  Runner,
  RunState,
  RunToolCallOutputItem,
} from '@openai/agents';
import type { AttemptContext } from './attempt-context.ts';
import { callHook, type HookSource } from './hook-calls.ts';
import { journalOnce } from './journaled-copy.ts';
import { journalGuardrails } from './journaled-guardrail.ts';
import { journalHandoff } from './journaled-handoff.ts';
import { isJournaled, journalModel, journalProvider } from './journaled-model.ts';
import { journalTool } from './journaled-tool.ts';
import { childScope, type RunDefaults, type RunScope, runScope } from './run-scope.ts';
import { patchSerialisation, withTexts } from './sdk-serialisation.ts';

const hookNames = ['agent_start', 'agent_end', 'agent_handoff', 'agent_tool_start', 'agent_tool_end'] as const;

// Registered with Symbol.for: a second copy of this package in the process must see the patches of the first.
const patched = Symbol.for('agent-service.intercepted');

type Method = (this: never, ...args: unknown[]) => unknown;

/** Wraps a method of a prototype, once per process. */
function patchOnce(prototype: object, name: string, wrap: (original: Method) => Method): void {
  const methods = prototype as Record<string, Method & { [patched]?: true }>;
  const original = methods[name];
  if (original === undefined) {
    throw new Error(`This release of @openai/agents has no ${name}; use one that is supported.`);
  }
  if (original[patched]) return;
  methods[name] = Object.assign(wrap(original), { [patched]: true as const });
}

/** The class of the provider of a runner whose author named none. */
const defaultProviderClass = () => new Runner().config.modelProvider.constructor;

function providerFor(own: ModelProvider, defaults: RunDefaults): ModelProvider {
  return own.constructor === defaultProviderClass() ? defaults.modelProvider : journalProvider(own, true);
}

/** Whether this is the runner of an agent used as a tool, which inherits the journaled provider of the run that calls it. */
const isInherited = (runner: Runner): boolean => isJournaled(runner.config.modelProvider);

/** How the SDK calls hooks, without the patch: one call of a hook is not to be recorded twice. */
const emitHook = Object.getPrototypeOf(Runner.prototype).emit as Method;

/** The runner that executes a nested run: as its author made it, but with journaled models and the service's provider. */
function adopt(runner: Runner, { defaults }: RunScope): Runner {
  if (isInherited(runner)) return runner; // the SDK keeps state about that very runner
  const { modelProvider, inputGuardrails, outputGuardrails } = runner.config;
  const adopted = new Runner({
    ...runner.config,
    modelProvider: providerFor(modelProvider, defaults),
    ...(inputGuardrails ? { inputGuardrails: journalGuardrails('input', inputGuardrails) } : {}),
    ...(outputGuardrails ? { outputGuardrails: journalGuardrails('output', outputGuardrails) } : {}),
  });
  const emit = emitHook.bind(runner as never);
  for (const name of hookNames) adopted.on(name, (...args: unknown[]) => emit(name, ...args));
  return adopted;
}

/** The input of a nested run. One that goes on after an approval is named by its original input, not by its state. */
const originalInputOf = (input: unknown): unknown => (input instanceof RunState ? input._originalInput : input);

/** What holds the context of a run, if its caller gave one. */
function contextHolderOf(input: unknown, options: unknown): { context: unknown } | null {
  if (input instanceof RunState) return input._context as { context: unknown };
  const { context } = (options ?? {}) as { context?: unknown };
  if (typeof context !== 'object' || context === null) return null;
  return context.constructor?.name === 'RunContext' ? (context as { context: unknown }) : { context };
}

type AgentLike = Agent & { model: string | Model };
type Tool = { type: string };

/** Has the guardrails of an agent journaled within runs; outside of a run they are as they were. */
function journalGuardrailsOf(agent: AgentLike): void {
  agent.inputGuardrails = journalGuardrails('input', agent.inputGuardrails);
  agent.outputGuardrails = journalGuardrails('output', agent.outputGuardrails);
}

/** Whether a run has the SDK tell the model of calls of functions that its agent does not have. */
function tellsUnknownTools({ config }: Runner, options: unknown): boolean {
  const { toolNotFoundBehavior } = (options ?? {}) as { toolNotFoundBehavior?: string };
  return (toolNotFoundBehavior ?? config.toolNotFoundBehavior) === 'return_error_to_model';
}

function patchRun(original: Method): Method {
  return function run(this: Runner, ...args: unknown[]) {
    const [agent, input, options] = args as [AgentLike, unknown, unknown];
    const scope = runScope.getStore();
    if (scope) journalGuardrailsOf(agent);
    if (scope?.begun !== false)
      return scope ? runNested(this, original, scope, args) : original.apply(this as never, args);
    scope.begun = true;
    scope.tellsUnknownTools = tellsUnknownTools(this, options);
    const holder = contextHolderOf(input, options);
    if (holder) scope.attempt.journal.side.contexts.track(scope.path, holder);
    return original.apply(this as never, args);
  } as Method;
}

/** A nested run executes in a scope of its own, which also names the record of its context. */
function runNested(runner: Runner, original: Method, scope: RunScope, args: unknown[]): unknown {
  const [agent, input, options] = args as [AgentLike, unknown, unknown];
  const child = childScope(scope, agent.name, originalInputOf(input), isInherited(runner));
  child.tellsUnknownTools = tellsUnknownTools(runner, options);
  const { agentCall, attempt } = scope;
  const execute = (given: unknown[]) => {
    const running = runIn(child, adopt(runner, scope), original, given);
    return agentCall === null ? running : followAgentRun(running, attempt, agentCall);
  };
  return scope.workflow ? scope.workflow.start(child, args, execute) : execute(args);
}

function runIn(child: RunScope, runner: Runner, original: Method, args: unknown[]): Promise<unknown> {
  const [, input, options] = args;
  const { contexts } = child.attempt.journal.side;
  const holder = contextHolderOf(input, options);
  if (holder) contexts.track(child.path, holder);
  const running = runScope.run(child, () => original.apply(runner as never, args)) as Promise<unknown>;
  const isStreamed = (options as { stream?: boolean } | undefined)?.stream === true;
  return isStreamed ? running : running.finally(() => contexts.untrack(child.path));
}

type AgentRun = { interruptions?: readonly unknown[]; completed?: Promise<void> };

/** Notes whether the run of an agent used as a tool waits for approvals, before its caller goes on. */
async function followAgentRun(running: Promise<unknown>, attempt: AttemptContext, callId: string): Promise<unknown> {
  const result = (await running) as AgentRun;
  const look = () => {
    if (result.interruptions?.length) attempt.agentToolPaused(callId);
  };
  if (result.completed) result.completed.then(look, () => {});
  else look();
  return result;
}

function patchGetAllTools(original: Method): Method {
  return async function getAllTools(this: AgentLike, ...args: unknown[]) {
    const tools = (await original.apply(this as never, args)) as Tool[];
    const scope = runScope.getStore();
    if (!scope) return tools;
    scope.agent = this.name;
    scope.attempt.journal.side.contexts.track(scope.path, args[0] as { context: unknown });
    journalGuardrailsOf(this);
    if (typeof this.model === 'object') this.model = journalModel(this.model, this.model.constructor.name);
    return tools.map((tool) => journalOnce(tool, journalTool));
  } as Method;
}

/** Handoffs that the application made with `handoff()`: only those may have an `onHandoff`. */
function patchGetEnabledHandoffs(original: Method): Method {
  return async function getEnabledHandoffs(this: AgentLike, ...args: unknown[]) {
    const handoffs = (await original.apply(this as never, args)) as Handoff[];
    if (!runScope.getStore()) return handoffs;
    return handoffs.map((each) => ((this.handoffs as unknown[]).includes(each) ? journalHandoff(each) : each));
  } as Method;
}

function patchEmit(original: Method): Method {
  return function emit(this: HookSource, ...args: unknown[]) {
    const scope = runScope.getStore();
    if (!scope) return original.apply(this as never, args);
    return callHook(scope, this, args, () => original.apply(this as never, args));
  } as Method;
}

/** The JSON of a result's item has the text of the result, also where the code of a tool asks for it. */
function patchToJson(original: Method): Method {
  return function toJSON(this: RunToolCallOutputItem, ...args: unknown[]) {
    return withTexts(() => original.apply(this as never, args));
  } as Method;
}

/**
 * Makes nested runs part of the run that starts them. Inside a run's scope every `run()` (an agent used as a tool, a `run()` in a tool
 * or a guardrail, by the SDK's default runner or the user's own) executes in a child scope with journaled models, a
 * Model instance on an agent is journaled too, and so are the calls of tools, guardrails, handoffs and hooks. Outside of a
 * run nothing changes.
 *
 * It patches methods of the SDK's prototypes, since the SDK has no hook that nested runs inherit; each turn calls
 * `getEnabledHandoffs` and `getAllTools` before its model is chosen.
 */
export function patchNestedRuns(): void {
  patchOnce(Runner.prototype, 'run', patchRun);
  patchOnce(Agent.prototype, 'getAllTools', patchGetAllTools);
  patchOnce(Agent.prototype, 'getEnabledHandoffs', patchGetEnabledHandoffs);
  patchOnce(Agent.prototype, 'emit', patchEmit);
  patchOnce(Runner.prototype, 'emit', patchEmit);
  patchOnce(RunToolCallOutputItem.prototype, 'toJSON', patchToJson);
  patchSerialisation();
}
