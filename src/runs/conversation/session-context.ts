import type { JsonRecord, Run, Store } from '../../storage/port/index.ts';
import { contextOf } from './recorded-context.ts';

/** Reads the run context that the runs of a session have left before this one; null if there is none. */
export type ReadSessionContext = (run: Run) => Promise<JsonRecord | null>;

/**
 * Makes the function that reads what a session has kept. A run stores its context with its end; of a run that the store
 * itself has ended, such as one that was cancelled while it waited, it is what its steps recorded.
 */
export const createSessionContextReader =
  ({ sessions, journal }: Pick<Store, 'sessions' | 'journal'>): ReadSessionContext =>
  async ({ tenantId, sessionId }) => {
    const kept = sessionId === null ? null : await sessions.context(tenantId, sessionId);
    if (kept === null) return null;
    const { context, ofRunId, lastRunId } = kept;
    if (lastRunId === null || lastRunId === ofRunId) return context;
    return contextOf(await journal.changes(tenantId, lastRunId)) ?? context;
  };
