import type { JsonRecord, Run, SessionStore } from '../../storage/port/index.ts';
import { startsTurn, truncateToTurns } from './turn-truncation.ts';

/** Items that are read at once, further back, where the last turn is longer than what is asked for. */
const furtherMin = 100;

/**
 * The history that a run shows to its models: the items that its session had when it first started, so that every
 * attempt is shown the same; all of them, or with `itemsMax` the last whole turns. Of a long session then only its end
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
  // Items are numbered from 1 without gaps, so their number says how many are before them.
  for (let earlier = sessionSeqAtStart; ; ) {
    const limit = Math.min(earlier, items.length === 0 ? itemsMax : Math.max(itemsMax, furtherMin));
    earlier -= limit;
    const page = await sessions.items(tenantId, sessionId, limit, earlier);
    items = [...page.data.map(({ item }) => item), ...items];
    if (earlier === 0 || items.some(startsTurn)) return truncateToTurns(items, itemsMax, earlier);
  }
}
