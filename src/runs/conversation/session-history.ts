import type { JsonRecord, Run, SessionStore } from '../../storage/port/index.ts';
import { truncateToTurns, turnStarts } from './turn-truncation.ts';

/** The least items of a further page, which is read if the last turn is longer than the limit. */
const furtherPageItemsMin = 100;

/**
 * The history that the models of a run receive: the items that its session had when the run first started, so that it is
 * the same for every attempt. All of them, or with `itemsMax` the last whole turns; then only the end of a long session
 * is read.
 */
export async function readHistory(
  sessions: Pick<SessionStore, 'history' | 'items'>,
  { tenantId, sessionId, sessionSeqAtStart }: Pick<Run, 'tenantId' | 'sessionId' | 'sessionSeqAtStart'>,
  itemsMax: number | null,
): Promise<JsonRecord[]> {
  if (sessionId === null || !sessionSeqAtStart) return [];
  if (itemsMax === null) return sessions.history(tenantId, sessionId, sessionSeqAtStart);
  let items: JsonRecord[] = [];
  // Items are numbered from 1 without gaps, so an item's number is the count of items before it, plus 1.
  for (let earlier = sessionSeqAtStart; ; ) {
    // One item more than the limit shows whether a system message stands before the first one, and belongs to its turn.
    const limit = Math.min(earlier, items.length === 0 ? itemsMax + 1 : Math.max(itemsMax, furtherPageItemsMin));
    earlier -= limit;
    const page = await sessions.items(tenantId, sessionId, limit, earlier);
    items = [...page.data.map(({ item }) => item), ...items];
    if (earlier === 0 || turnStarts(items).some((start) => start > 0)) return truncateToTurns(items, itemsMax, earlier);
  }
}
