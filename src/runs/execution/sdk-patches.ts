import { Agent, type Model, type ModelProvider, Runner, RunState } from '@openai/agents';
import { isJournaled, journalModel, journalProvider } from './journaled-model.ts';
import { journalTool } from './journaled-tool.ts';
import { childScope, type RunDefaults, type RunScope, runScope } from './run-scope.ts';

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

/** The runner that executes a nested run: as its author made it, but with journaled models and the service's provider. */
function adopt(runner: Runner, { defaults }: RunScope): Runner {
  // An agent used as a tool has inherited a journaled provider; the SDK keeps state about that very runner.
  if (isJournaled(runner.config.modelProvider)) return runner;
  const modelProvider = providerFor(runner.config.modelProvider, defaults);
  const adopted = new Runner({ ...runner.config, modelProvider });
  const emit = runner.emit.bind(runner) as (name: string, ...args: unknown[]) => boolean;
  for (const name of hookNames) adopted.on(name, (...args: unknown[]) => emit(name, ...args));
  return adopted;
}

/** The input of a nested run. One that goes on after an approval is named by its original input, not by its state. */
const originalInputOf = (input: unknown): unknown => (input instanceof RunState ? input._originalInput : input);

type AgentLike = { model: string | Model; name: string };
type Tool = { type: string };

/**
 * Makes nested runs part of the run that starts them. Inside a run's scope every `run()` (an agent used as a tool, a `run()` in a tool
 * or a guardrail, by the SDK's default runner or the user's own) executes in a child scope with journaled models, a
 * Model instance on an agent is journaled too, and so are the calls of tools. Outside of a run nothing changes.
 *
 * It patches two methods of the SDK's prototypes, since the SDK has no hook that nested runs inherit; each turn calls
 * `getAllTools` before its model is chosen.
 */
export function patchNestedRuns(): void {
  const journaled = new WeakMap<Tool, Tool>();
  const withJournal = (tool: Tool): Tool => {
    const known = journaled.get(tool) ?? journalTool(tool);
    journaled.set(tool, known);
    return known;
  };
  patchOnce(
    Runner.prototype,
    'run',
    (original) =>
      function run(this: Runner, ...args: unknown[]) {
        const scope = runScope.getStore();
        if (scope?.begun === false) scope.begun = true;
        else if (scope) {
          const [agent, input] = args as [AgentLike, unknown];
          return runScope.run(childScope(scope, agent.name, originalInputOf(input)), () =>
            original.apply(adopt(this, scope) as never, args),
          );
        }
        return original.apply(this as never, args);
      } as Method,
  );
  patchOnce(
    Agent.prototype,
    'getAllTools',
    (original) =>
      async function getAllTools(this: AgentLike, ...args: unknown[]) {
        const tools = (await original.apply(this as never, args)) as Tool[];
        const scope = runScope.getStore();
        if (!scope) return tools;
        scope.agent = this.name;
        if (typeof this.model === 'object') this.model = journalModel(this.model, this.model.constructor.name);
        return tools.map(withJournal);
      } as Method,
  );
}
