import type { JsonRecord } from '../../storage/port/index.ts';

/** What answers a call of each type, by the same `callId` (the SDK's protocol of items). */
const resultTypes = new Map([
  ['function_call', 'function_call_result'],
  ['computer_call', 'computer_call_result'],
  ['shell_call', 'shell_call_output'],
  ['apply_patch_call', 'apply_patch_call_output'],
  ['program', 'program_output'],
]);
const callTypes = new Map([...resultTypes].map(([call, result]) => [result, call]));

type Half = { isCall: boolean; key: string };

/** Which call an item is, or answers; null for what is neither. Calls that a provider executes hold their result. */
function halfOf(item: JsonRecord): Half | null {
  const { type, callId } = item;
  if (typeof type !== 'string') return null;
  if (type === 'hosted_tool_call') return approvalHalf(item);
  if (resultTypes.has(type)) return { isCall: true, key: `${type} ${callId}` };
  const call = callTypes.get(type);
  return call === undefined ? null : { isCall: false, key: `${call} ${callId}` };
}

/** A hosted MCP server's question whether it may, and the answer to it. */
function approvalHalf({ name, id, providerData }: JsonRecord): Half | null {
  const data = (providerData ?? {}) as JsonRecord;
  if (name === 'mcp_approval_request') return { isCall: true, key: `${name} ${data.id ?? id}` };
  if (name !== 'mcp_approval_response') return null;
  return { isCall: false, key: `mcp_approval_request ${data.approval_request_id}` };
}

/** Where calls and results stand of which the other half is missing. */
function lonely(items: readonly JsonRecord[]): Set<number> {
  const missing = new Set<number>();
  const open = new Map<string, number>(); // calls without a result so far; ids may come again
  for (const [index, item] of items.entries()) {
    const half = halfOf(item);
    if (half === null) continue;
    const call = open.get(half.key);
    if (half.isCall || call === undefined) missing.add(index);
    if (half.isCall) open.set(half.key, index);
    else if (call !== undefined) {
      missing.delete(call);
      open.delete(half.key);
    }
  }
  return missing;
}

const isReasoning = (item: JsonRecord | undefined): boolean => item?.type === 'reasoning';

/**
 * The items without calls that have no result, results that have no call, and the reasoning that led to such a call:
 * no provider takes one half without the other.
 */
export function withoutUnpairedItems(items: readonly JsonRecord[]): JsonRecord[] {
  const left = lonely(items);
  for (let index = items.length - 2; index >= 0; index -= 1) {
    if (isReasoning(items[index]) && left.has(index + 1)) left.add(index);
  }
  return items.filter((_, index) => !left.has(index));
}

/**
 * Whether a turn starts with this item: what the user said, or a provider's `compaction`, which stands for all that was
 * said before it.
 */
export const startsTurn = ({ type, role }: JsonRecord): boolean =>
  type === 'compaction' || (role === 'user' && (type === 'message' || type === undefined));

/**
 * The last turns of a conversation, at most `itemsMax` items: as many whole turns as fit. If the last turn alone is
 * longer, it is that turn, so that the model knows what the user refers to. A conversation that fits is left as it is.
 * In either case no call is without its result.
 *
 * @param earlier how many items the conversation has before `items`
 */
export function truncateToTurns(items: readonly JsonRecord[], itemsMax: number, earlier = 0): JsonRecord[] {
  if (earlier + items.length <= itemsMax) return withoutUnpairedItems(items);
  const starts = items.flatMap((item, index) => (startsTurn(item) ? [index] : []));
  const first = starts.find((index) => items.length - index <= itemsMax) ?? starts.at(-1);
  return first === undefined ? [] : withoutUnpairedItems(items.slice(first));
}
