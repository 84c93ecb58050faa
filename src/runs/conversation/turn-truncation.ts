import type { JsonRecord } from '../../storage/port/index.ts';

/** The type of the result of each type of call; both have the same `callId` (the SDK's protocol of items). */
const resultTypes = new Map([
  ['function_call', 'function_call_result'],
  ['computer_call', 'computer_call_result'],
  ['shell_call', 'shell_call_output'],
  ['apply_patch_call', 'apply_patch_call_output'],
  ['program', 'program_output'],
]);
const callTypes = new Map([...resultTypes].map(([call, result]) => [result, call]));

type Half = { isCall: boolean; key: string };

/** The call that an item is, or answers; null for any other item. Calls that a provider executes hold their result. */
function halfOf(item: JsonRecord): Half | null {
  const { type, callId } = item;
  if (typeof type !== 'string') return null;
  if (type === 'hosted_tool_call') return approvalHalf(item);
  if (resultTypes.has(type)) return { isCall: true, key: `${type} ${callId}` };
  const call = callTypes.get(type);
  return call === undefined ? null : { isCall: false, key: `${call} ${callId}` };
}

/** A hosted MCP server's request for approval, and the response to it. */
function approvalHalf({ name, id, providerData }: JsonRecord): Half | null {
  const data = (providerData ?? {}) as JsonRecord;
  if (name === 'mcp_approval_request') return { isCall: true, key: `${name} ${data.id ?? id}` };
  if (name !== 'mcp_approval_response') return null;
  return { isCall: false, key: `mcp_approval_request ${data.approval_request_id}` };
}

/** The positions of calls without a result and of results without a call. */
function unpaired(items: readonly JsonRecord[]): Set<number> {
  const missing = new Set<number>();
  const open = new Map<string, number>(); // calls without a result so far; ids may repeat
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
 * Removes calls without a result, results without a call, and the reasoning that led to such a call: no provider accepts
 * one half without the other.
 */
export function withoutUnpairedItems(items: readonly JsonRecord[]): JsonRecord[] {
  const removed = unpaired(items);
  for (let index = items.length - 2; index >= 0; index -= 1) {
    if (isReasoning(items[index]) && removed.has(index + 1)) removed.add(index);
  }
  return items.filter((_, index) => !removed.has(index));
}

const isMessageOf = (item: JsonRecord | undefined, sender: string): boolean =>
  item?.role === sender && (item.type === 'message' || item.type === undefined);

/**
 * The positions at which turns start: at messages of the user, with the system messages that stand directly before them,
 * and at a provider's `compaction`, which replaces all items before it.
 */
export function turnStarts(items: readonly JsonRecord[]): number[] {
  return items.flatMap((item, index) => {
    if (item.type === 'compaction') return [index];
    if (!isMessageOf(item, 'user')) return [];
    let start = index;
    while (isMessageOf(items[start - 1], 'system')) start -= 1;
    return [start];
  });
}

/**
 * The last turns of a conversation, at most `itemsMax` items: as many whole turns as fit. If the last turn alone is
 * longer, the result is that turn, so that the model knows what the user refers to. A conversation that fits keeps all
 * its turns. In any case no call is without its result.
 *
 * @param earlier how many items the conversation has before `items`
 */
export function truncateToTurns(items: readonly JsonRecord[], itemsMax: number, earlier = 0): JsonRecord[] {
  if (earlier + items.length <= itemsMax) return withoutUnpairedItems(items);
  const starts = turnStarts(items);
  const first = starts.find((index) => items.length - index <= itemsMax) ?? starts.at(-1);
  return first === undefined ? [] : withoutUnpairedItems(items.slice(first));
}
