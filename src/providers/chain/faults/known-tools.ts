import type { ModelRequest, ModelResponse } from '@openai/agents';
import { boundedName } from '../../../platform/bounded-name.ts';
import { describeUnknownTool } from '../../../platform/unknown-tool.ts';
import { ProviderFault } from './provider-fault.ts';

/** The part of a request that says which tools may be called. */
export type ToolsAskedFor = Pick<ModelRequest, 'tools' | 'handoffs'>;

type Item = {
  type?: string;
  name?: string;
  namespace?: string;
  callId?: string;
  providerData?: { type?: unknown; call_id?: unknown; name?: unknown; server_label?: unknown };
};
type Tool = {
  type: string;
  name?: string;
  namespace?: string;
  deferLoading?: boolean;
  providerData?: { type?: unknown; server_label?: unknown };
};

/** An answer calls a tool that the agent does not have. */
export class UnknownToolFault extends ProviderFault {
  /** What was called, in words for clients, such as `the tool "look"`. */
  readonly called: string;

  constructor(called: string) {
    super('unknown_tool', describeUnknownTool(called, null));
    this.called = called;
  }
}

const toolsOf = ({ tools }: ToolsAskedFor): readonly Tool[] => tools as readonly Tool[];

/** Tools can be found while the agent runs: only the SDK knows them all then. */
const searchesTools = (request: ToolsAskedFor): boolean =>
  toolsOf(request).some(({ providerData }) => providerData?.type === 'tool_search');

/** Whether a function tool is meant by a call, by the SDK's rules for names and namespaces. */
function isMeant({ type, name, namespace, deferLoading }: Tool, call: Item): boolean {
  if (type !== 'function') return false;
  const isDeferred = deferLoading === true && !namespace;
  if (call.namespace) return call.name === name && call.namespace === (isDeferred ? name : namespace);
  return call.name === (namespace ? `${namespace}.${name}` : name);
}

function isKnownFunction(call: Item, request: ToolsAskedFor): boolean {
  if (!call.namespace && request.handoffs.some(({ toolName }) => toolName === call.name)) return true;
  return toolsOf(request).some((tool) => isMeant(tool, call)) || searchesTools(request);
}

const isKnownServer = ({ providerData }: Item, request: ToolsAskedFor): boolean =>
  searchesTools(request) ||
  toolsOf(request).some(
    ({ providerData: tool }) => tool?.type === 'mcp' && tool.server_label === providerData?.server_label,
  );

const isApprovalRequest = ({ type, name, providerData }: Item): boolean =>
  type === 'hosted_tool_call' && (name === 'mcp_approval_request' || providerData?.type === 'mcp_approval_request');

/** The tools of the SDK that have items of their own, by the type of the item. */
const toolByItem: Record<string, string> = {
  computer_call: 'computer',
  shell_call: 'shell',
  apply_patch_call: 'apply_patch',
};

/**
 * The type of a call that the SDK does not know, and that waits for its output, as `custom_tool_call`. Calls that the
 * provider executes itself have no `call_id`, or their output beside them.
 */
function unknownCallOf({ type, providerData }: Item, output: readonly Item[]): string | null {
  const { type: kind, call_id: callId } = providerData ?? {};
  if (type !== 'unknown' || typeof kind !== 'string' || !kind.endsWith('_call') || callId == null) return null;
  const isAnswered = output.some((other) => other.providerData?.call_id === callId && other.providerData.type !== kind);
  return isAnswered ? null : kind;
}

/** What an item calls that the agent does not have, in words; null if there is nothing of that kind. */
function unknownIn(item: Item, output: readonly Item[], request: ToolsAskedFor, isTold: boolean): string | null {
  const { type = '', name, namespace, providerData } = item;
  if (type === 'function_call') {
    if (isTold || isKnownFunction(item, request)) return null;
    return `the tool "${boundedName(namespace && namespace !== name ? `${namespace}.${name}` : name)}"`;
  }
  const tool = toolByItem[type];
  if (tool !== undefined)
    return toolsOf(request).some((each) => each.type === tool) ? null : `a tool of the type ${tool}`;
  if (isApprovalRequest(item)) {
    return isKnownServer(item, request) ? null : `the MCP server "${boundedName(providerData?.server_label)}"`;
  }
  const unknown = unknownCallOf(item, output);
  return unknown === null ? null : `a tool by ${boundedName(unknown)}`;
}

/**
 * Rejects an answer that calls a tool which the agent does not have: the SDK would end the run for it, as for a mistake of
 * the application, or leave the call out.
 *
 * @param isTold whether the SDK tells the model of functions that the agent does not have (`toolNotFoundBehavior`)
 * @throws {UnknownToolFault}
 */
export function assertToolsKnown(output: ModelResponse['output'], request: ToolsAskedFor, isTold: boolean): void {
  const items = output as unknown as Item[];
  for (const item of items) {
    const called = item.type === 'message' ? null : unknownIn(item, items, request, isTold);
    if (called !== null) throw new UnknownToolFault(called);
  }
}
