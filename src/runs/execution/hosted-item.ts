import { parseArguments } from '../tool-arguments.ts';
import type { OutputItem } from './model-answer.ts';

/** An item of a model's answer in the form of the Responses API. */
export type RawItem = { type?: string; id?: string | null; status?: string | null; [field: string]: unknown };

/** A call of a tool that the provider executes while it answers. `tool` is its name on the wire. */
export type HostedCall = { callId: string; tool: string; arguments: unknown };

/** The longest output of a hosted tool that an event holds, in characters. A longer one is read in the journal. */
export const hostedOutputCharsMax = 32 * 1024;

type Rule = {
  tool(item: RawItem): string;
  argumentsOf(item: RawItem): unknown;
  outputOf(item: RawItem): unknown;
  /** The type of the item that has the output. Defaults to the item of the call itself. */
  outputType?: string;
};

/** The fields of an item that have a value. */
const pick = (item: RawItem, ...names: string[]): Record<string, unknown> =>
  Object.fromEntries(names.flatMap((name) => (item[name] == null ? [] : [[name, item[name]]])));

type Search = { sources?: unknown } | null | undefined;

function withoutSources({ action }: RawItem): unknown {
  const { sources: _, ...rest } = (action ?? {}) as Record<string, unknown>;
  return rest;
}

/** The output of a command, as the API has it and as the SDK has it. */
type ShellOutput = {
  stdout?: string;
  stderr?: string;
  outcome?: { type?: string; exit_code?: number; exitCode?: number };
};

const toShellOutput = ({ stdout, stderr, outcome }: ShellOutput) => ({
  stdout,
  stderr,
  exit_code: outcome?.exit_code ?? outcome?.exitCode ?? null,
});

const nameOfTool = (name: string) => () => name;

const rules: Record<string, Rule> = {
  web_search_call: {
    tool: nameOfTool('web_search'),
    argumentsOf: withoutSources,
    outputOf: ({ action, results }) => results ?? (action as Search)?.sources,
  },
  file_search_call: {
    tool: nameOfTool('file_search'),
    argumentsOf: (item) => pick(item, 'queries'),
    outputOf: ({ results }) => results,
  },
  code_interpreter_call: {
    tool: nameOfTool('code_interpreter'),
    argumentsOf: (item) => pick(item, 'code', 'container_id'),
    outputOf: ({ outputs }) => outputs,
  },
  image_generation_call: {
    tool: nameOfTool('image_generation'),
    argumentsOf: (item) => pick(item, 'revised_prompt', 'action', 'size', 'quality', 'background', 'output_format'),
    outputOf: ({ result }) => result,
  },
  mcp_call: {
    tool: ({ server_label, name }) => `${server_label}.${name}`,
    argumentsOf: ({ arguments: text }) => (typeof text === 'string' && text !== '' ? parseArguments(text) : {}),
    outputOf: ({ output, error }) => error ?? output,
  },
  tool_search_call: {
    tool: nameOfTool('tool_search'),
    argumentsOf: ({ arguments: given }) => given ?? {},
    outputOf: ({ tools }) => ((tools ?? []) as { name?: string }[]).map(({ name }) => name),
    outputType: 'tool_search_output',
  },
  shell_call: {
    tool: nameOfTool('shell'),
    argumentsOf: ({ action }) => pick((action ?? {}) as RawItem, 'commands'),
    outputOf: ({ output }) => ((output ?? []) as ShellOutput[]).map(toShellOutput),
    outputType: 'shell_call_output',
  },
};

/** The type of the call that an item with an output belongs to. */
const callTypes = new Map(
  Object.entries(rules).flatMap(([type, { outputType }]) => (outputType ? [[outputType, type]] : [])),
);

/** Whether the application's process carries the call out, not the provider: such a call has events of its own. */
const isLocal = ({ type, execution, environment }: RawItem): boolean =>
  (type === 'tool_search_call' && execution === 'client') ||
  (type === 'shell_call' && (environment as { type?: string } | null | undefined)?.type !== 'container_reference');

/** An item of the SDK in the form of the Responses API, as far as hosted tools go; other items as they are. */
export function toRawItem(item: OutputItem): RawItem {
  const { type, providerData, callId, ...rest } = item as OutputItem & { providerData?: Record<string, unknown> };
  if (type !== 'hosted_tool_call') return { ...providerData, ...rest, type, ...(callId ? { call_id: callId } : {}) };
  const { output, ...sdkItem } = rest as RawItem;
  const name = providerData?.type === 'image_generation_call' ? 'result' : 'output';
  return { ...sdkItem, ...providerData, ...(output === undefined ? {} : { [name]: output }) };
}

/** Whether items of this type may be about a hosted tool. */
export const isHostedType = (type: string | undefined): boolean =>
  type !== undefined && (Object.hasOwn(rules, type) || callTypes.has(type));

/** The call of a hosted tool that an item makes; null if it makes none. */
export function hostedCallOf(item: RawItem): HostedCall | null {
  const rule = rules[item.type ?? ''];
  if (!rule || isLocal(item)) return null;
  return { callId: item.id ?? '', tool: rule.tool(item), arguments: rule.argumentsOf(item) };
}

/** Whether the output of the call that this item makes is in an item of its own. */
export const hasOutputItem = ({ type }: RawItem): boolean => rules[type ?? '']?.outputType !== undefined;

/** The tool whose call an item has the output of; null if it is no item with an output. */
export const toolOfOutput = ({ type }: RawItem): string | null => {
  const callType = callTypes.get(type ?? '');
  return callType === undefined ? null : (rules[callType] as Rule).tool({ type: callType });
};

/** Whether the tool has failed. */
export const isFailed = ({ status, error }: RawItem): boolean =>
  status === 'failed' || status === 'incomplete' || (error ?? null) !== null;

/** What the tool gave, as the provider tells it; undefined if it tells nothing. */
export function outputOf(item: RawItem): unknown {
  const rule = rules[callTypes.get(item.type ?? '') ?? item.type ?? ''];
  return rule?.outputOf(item) ?? undefined;
}
