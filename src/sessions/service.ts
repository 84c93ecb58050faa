import { ServiceError } from '../platform/errors.ts';
import { retryAfterRules } from '../platform/http/retry-after.ts';
import {
  type ImportItems,
  type InputRules,
  idempotencyFingerprint,
  toHistory,
  toTime,
  toUsageView,
} from '../runs/index.ts';
import type { Session, SessionItem, SessionStore } from '../storage/port/index.ts';
import type { SessionItemView, SessionView } from './schemas.ts';

/** A stored session as the wire shows it. */
export const toSessionView = (session: Session): SessionView => ({
  session_id: session.id,
  created_at: toTime(session.createdAtMs),
  updated_at: toTime(session.updatedAtMs),
  items_count: session.itemsCount,
  runs_count: session.runsCount,
  last_agent: session.lastAgent,
  active_run_id: session.activeRunId,
  usage: toUsageView(session.usage),
  cost_usd: session.costUsd,
});

/** A stored item of a session as the wire shows it. */
export const toSessionItemView = ({ seq, runId, createdAtMs, item }: SessionItem): SessionItemView => ({
  seq,
  run_id: runId,
  created_at: toTime(createdAtMs),
  item,
});

/** Bytes of a page of items at most, beyond one item. */
const pageBytesMax = 4 * 1024 * 1024;

/** Reads, deletes and imports sessions. */
export function createSessionService({ sessions, inputRules }: { sessions: SessionStore; inputRules: InputRules }) {
  const missing = (sessionId: string) => new ServiceError('not_found', { what: `Session ${sessionId}` });

  const busy = (sessionId: string, activeRunId: string) =>
    new ServiceError(
      'session_busy',
      { sessionId, runId: activeRunId },
      { activeRunId, retryAfterMs: retryAfterRules.sessionBusyMs },
    );

  /** @throws {ServiceError} `not_found` */
  async function get(tenantId: string, sessionId: string): Promise<Session> {
    const session = await sessions.get(tenantId, sessionId);
    if (!session) throw missing(sessionId);
    return session;
  }

  return {
    get,
    list: sessions.list.bind(sessions),

    /** A page of the items, in order. @throws {ServiceError} `not_found` */
    async items(tenantId: string, sessionId: string, limit: number, afterSeq: number) {
      await get(tenantId, sessionId);
      return sessions.items(tenantId, sessionId, limit, afterSeq, pageBytesMax);
    },

    /** @throws {ServiceError} `not_found`, or `session_busy` while a run holds the session or waits for it */
    async delete(tenantId: string, sessionId: string): Promise<void> {
      const outcome = await sessions.delete(tenantId, sessionId);
      if (outcome.type === 'not_found') throw missing(sessionId);
      if (outcome.type !== 'busy') return;
      throw busy(sessionId, outcome.activeRunId);
    },

    /**
     * Adds a history at the end of a session, which is created if it is new.
     *
     * @throws {ServiceError} `validation_failed`, `idempotency_key_reused`, or `session_busy` while a run holds the session
     *   or waits for it
     */
    async importItems(tenantId: string, sessionId: string, body: ImportItems, key: string | undefined) {
      const items = toHistory(body, inputRules);
      const idempotency = key === undefined ? null : { key, fingerprint: idempotencyFingerprint(body) };
      const outcome = await sessions.importHistory(tenantId, sessionId, { items, idempotency });
      if (outcome.type === 'key_reused') throw new ServiceError('idempotency_key_reused', {});
      if (outcome.type === 'busy') throw busy(sessionId, outcome.activeRunId);
      return outcome.session;
    },
  };
}

/** Reads, deletes and imports sessions. */
export type SessionService = ReturnType<typeof createSessionService>;
