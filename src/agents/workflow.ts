import type { AgentInputItem, NonStreamRunOptions, RunResult } from '@openai/agents';
import { nearestName } from '../platform/nearest-name.ts';
import type { JsonRecord } from '../storage/port/index.ts';
import type { AnyAgent } from './any-agent.ts';
import type { Effect } from './effect.ts';
import { RegistrationError } from './registration-error.ts';

/** Options of one step of a workflow. */
export type StepOptions = {
  /**
   * What executing the step again means, after its process died before its result was recorded; see `effect`. Defaults to
   * `idempotent`. The intent of a step that is `once` is recorded first, and a person decides about an outcome that is not
   * known.
   */
  effect?: Effect;
};

/**
 * What the code of a workflow gets. What its methods and the SDK's `run()` give is recorded: when the run is executed
 * again, they give the same again, in the same order.
 */
// biome-ignore lint/suspicious/noExplicitAny: the context is what the application's own `context` option returns
export type WorkflowContext<TContext = any> = {
  /** The input of the run: as text, and as the items that models get. */
  readonly input: { readonly text: string; readonly items: AgentInputItem[] };
  /** The items that the session had when the run began; none without a session. */
  readonly history: AgentInputItem[];
  /**
   * The run context, as the `context` option of `serve()` built it; {} without one. Steps and tools may change it. The
   * code between them is executed again with the run, thus it may only read the context.
   */
  readonly context: TContext;
  readonly metadata: JsonRecord;
  readonly runId: string;
  readonly sessionId: string | null;
  readonly tenant: string;
  /** Aborts when the run ends early, and when the workflow has returned or thrown. */
  readonly signal: AbortSignal;
  /**
   * As the SDK's `run()`, with the run context. If a call of a tool needs an approval, the whole run waits for the
   * decision, and this goes on with it. Within a step no approval can be waited for.
   */
  run<TAgent extends AnyAgent>(
    agent: TAgent,
    input: string | AgentInputItem[],
    // biome-ignore lint/suspicious/noExplicitAny: the context may be of any type
    options?: Omit<NonStreamRunOptions<any, TAgent>, 'stream'>,
    // biome-ignore lint/suspicious/noExplicitAny: as above
  ): Promise<RunResult<any, TAgent>>;
  /**
   * Executes code once and records what it returned, as JSON, or threw.
   *
   * @param name the step's name in the journal, at most 200 characters; the steps of one name are counted
   */
  step<T>(name: string, code: () => T | Promise<T>, options?: StepOptions): Promise<T>;
  /** The time in ms since the epoch, recorded. */
  now(): number;
  /** A random number in [0, 1), recorded. */
  random(): number;
  /** A random UUID, recorded. */
  uuid(): string;
};

/** The code of a workflow. What it returns is the answer of the run: text, or another JSON value. */
export type WorkflowCode = (ctx: WorkflowContext) => unknown;

type Parsed = { success: boolean; data?: unknown; error?: { issues: { path: PropertyKey[] }[] } };

/** Options of a workflow. */
export type WorkflowOptions = {
  /** What it does, for `GET /api/v1/agents`. Defaults to nothing. */
  description?: string;
  /** The zod schema of what it returns. Defaults to no check. */
  output?: { safeParseAsync(value: unknown): Promise<Parsed> };
  /**
   * The agents that it runs: the start connects their MCP servers, and names their tools without a declared effect.
   * Defaults to none, which it runs all the same.
   */
  agents?: readonly AnyAgent[];
};

// A property of the value itself, so that every copy of this package knows it.
const workflowKey = Symbol.for('agent-service.workflow');

/** An entry of `serve({ agents })` that is code between runs of agents. */
export type Workflow = Required<Pick<WorkflowOptions, 'description' | 'agents'>> &
  Pick<WorkflowOptions, 'output'> & { readonly [workflowKey]: true; readonly code: WorkflowCode };

const optionNames = Object.keys({
  description: true,
  output: true,
  agents: true,
} satisfies Record<keyof WorkflowOptions, true>);

/**
 * Makes an entry of `serve({ agents })` of a function: code between runs of agents. See `docs/workflows.md`.
 *
 * @throws {RegistrationError} for an option that it does not have, and for what is no function
 */
export function workflow(code: WorkflowCode): Workflow;
export function workflow(options: WorkflowOptions, code: WorkflowCode): Workflow;
export function workflow(...args: [WorkflowCode] | [WorkflowOptions, WorkflowCode]): Workflow {
  const [options, code] = args.length === 1 ? [{} as WorkflowOptions, args[0]] : args;
  if (typeof code !== 'function') throw new RegistrationError('workflow() takes a function: async (ctx) => answer.');
  for (const name of Object.keys(options)) {
    if (optionNames.includes(name)) continue;
    const intended = nearestName(name, optionNames);
    const remedy = intended === undefined ? `It has ${optionNames.join(', ')}.` : `Did you mean "${intended}"?`;
    throw new RegistrationError(`workflow() has no option "${name}". ${remedy}`);
  }
  const { description = '', agents = [], output } = options;
  return { [workflowKey]: true, description, agents, output, code };
}

/** Whether a value was made by `workflow()`. */
export const isWorkflow = (value: unknown): value is Workflow =>
  typeof value === 'object' && value !== null && workflowKey in value;
