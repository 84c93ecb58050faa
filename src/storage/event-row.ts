import type { FinalStatus, JsonRecord, StoredEvent } from './port/index.ts';

/** A row of `events`, without the columns that the query selects by. */
export type EventRow = { seq: number; type: string; attempt: number; at_ms: number; data: string };

/** The event of a row. */
export function toEvent(row: EventRow): StoredEvent {
  return {
    seq: row.seq,
    type: row.type,
    attempt: row.attempt,
    atMs: row.at_ms,
    data: JSON.parse(row.data) as JsonRecord,
  };
}

/** The type of the event with which a run ends. */
export const lastEventType = (status: FinalStatus): string => `run.${status}`;
