import type {
  ResponseOutputItem,
  ResponseReasoningItem,
  ResponseStreamEvent,
} from 'openai/resources/responses/responses';
import type { Frame } from './frame.ts';
import { splitTokens } from './usage.ts';

/**
 * An item of an answer before its message, in the shape of the Responses API, without its id and status: a call of a
 * hosted tool, its output, or reasoning. Ids are derived from the request unless they are given.
 */
export type HostedItemReply = { type: string; id?: string; status?: string } & Record<string, unknown>;

type Unnumbered<Event> = Event extends { sequence_number: number } ? Omit<Event, 'sequence_number'> : never;
/** An event of a stream, and when holds and faults happen; see `Frame`. */
export type ItemStep = { kind: Frame['kind']; event: Unnumbered<ResponseStreamEvent> };

/** How each kind of call is told to begin and to go on: its prefix of ids, its events, and what it has from the start. */
const kinds: Record<string, { prefix: string; events?: string; busy?: string; early: readonly string[] }> = {
  web_search_call: { prefix: 'ws_', events: 'web_search_call', busy: 'searching', early: [] },
  file_search_call: { prefix: 'fs_', events: 'file_search_call', busy: 'searching', early: ['queries'] },
  code_interpreter_call: {
    prefix: 'ci_',
    events: 'code_interpreter_call',
    busy: 'interpreting',
    early: ['container_id'],
  },
  image_generation_call: { prefix: 'ig_', events: 'image_generation_call', busy: 'generating', early: [] },
  mcp_call: { prefix: 'mcp_', events: 'mcp_call', early: ['name', 'server_label'] },
  mcp_approval_request: { prefix: 'mcpr_', early: ['name', 'server_label', 'arguments'] },
  reasoning: { prefix: 'rs_', early: [] },
  tool_search_call: { prefix: 'tsc_', early: ['execution', 'call_id', 'arguments'] },
  tool_search_output: { prefix: 'tso_', early: ['execution', 'call_id', 'tools'] },
  shell_call: { prefix: 'sh_', early: ['call_id', 'action', 'environment'] },
  shell_call_output: { prefix: 'sho_', early: ['call_id', 'output'] },
};

const kindOf = ({ type }: HostedItemReply) => kinds[type] ?? { prefix: 'item_', early: [] };

/** The items as the API answers them. */
export function composeItems(replies: readonly HostedItemReply[], id: (prefix: string, index: number) => string) {
  return replies.map((reply, index) => {
    const hasStatus = !['mcp_approval_request', 'reasoning'].includes(reply.type);
    const item = { id: id(kindOf(reply).prefix, index), ...(hasStatus ? { status: 'completed' } : {}), ...reply };
    return item as unknown as ResponseOutputItem;
  });
}

function begun(item: HostedItemReply): ResponseOutputItem {
  const early = kindOf(item).early.map((field) => [field, item[field]]);
  const fields = { ...Object.fromEntries(early), ...(item.type === 'reasoning' ? { summary: [] } : {}) };
  return { id: item.id, type: item.type, status: 'in_progress', ...fields } as unknown as ResponseOutputItem;
}

function* reasoningSteps({ id, summary }: ResponseReasoningItem, output_index: number): Generator<ItemStep> {
  for (const [summary_index, { text }] of summary.entries()) {
    const at = { item_id: id, output_index, summary_index };
    const part = { type: 'summary_text' as const, text: '' };
    yield { kind: 'open', event: { type: 'response.reasoning_summary_part.added', ...at, part } };
    for (const delta of splitTokens(text)) {
      yield { kind: 'token', event: { type: 'response.reasoning_summary_text.delta', ...at, delta } };
    }
    yield { kind: 'close', event: { type: 'response.reasoning_summary_text.done', ...at, text } };
    yield { kind: 'close', event: { type: 'response.reasoning_summary_part.done', ...at, part: { ...part, text } } };
  }
}

function* progressSteps(item: HostedItemReply, output_index: number): Generator<ItemStep> {
  const { events, busy } = kindOf(item);
  if (events === undefined) return;
  const step = (kind: Frame['kind'], state: string) =>
    ({ kind, event: { type: `response.${events}.${state}`, item_id: item.id, output_index } }) as unknown as ItemStep;
  yield step('token', 'in_progress');
  if (busy !== undefined) yield step('token', busy);
  yield step('close', item.status === 'failed' && item.type === 'mcp_call' ? 'failed' : 'completed');
}

/** The events in which an item is streamed. A call counts as two tokens: holds and faults may happen while it works. */
export function* itemSteps(item: ResponseOutputItem, output_index: number): Generator<ItemStep> {
  const given = item as unknown as HostedItemReply;
  yield { kind: 'open', event: { type: 'response.output_item.added', output_index, item: begun(given) } };
  if (item.type === 'reasoning') yield* reasoningSteps(item, output_index);
  else yield* progressSteps(given, output_index);
  yield { kind: 'close', event: { type: 'response.output_item.done', output_index, item } };
}
