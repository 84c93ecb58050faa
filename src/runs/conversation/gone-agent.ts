import type { AgentRegistry } from '../../agents/index.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Run, SessionStore } from '../../storage/port/index.ts';
import type { Continuation } from './continuation.ts';

/** Dependencies of the watch. */
export type GoneAgentWatchDeps = {
  agents: Pick<AgentRegistry, 'entry' | 'get'>;
  sessions: Pick<SessionStore, 'get'>;
  continueWith: Continuation;
  log: Pick<Logger, 'warn'>;
};

/**
 * Logs a warning when a run begins with the entry agent since the last agent of its session is not part of this version of
 * the application, or has a name that several agents have. Returns null where that cannot be.
 */
export function createGoneAgentWatch({ agents, sessions, continueWith, log }: GoneAgentWatchDeps) {
  return (run: Run): Promise<void> | null => {
    const { id: runId, tenantId, sessionId, agent, attempt, sessionSeqAtStart } = run;
    const isNew = attempt === 1 && agent === agents.entry;
    if (continueWith !== 'last_agent' || !isNew || sessionId === null || !sessionSeqAtStart) return null;
    return sessions.get(tenantId, sessionId).then((session) => {
      const lastAgent = session?.lastAgent ?? null;
      if (lastAgent === null || agents.get(lastAgent)) return;
      log.warn(
        { runId, sessionId, lastAgent, agent },
        'the last agent of the session is gone; the entry agent goes on',
      );
    });
  };
}

/** Looks at runs that begin. */
export type GoneAgentWatch = ReturnType<typeof createGoneAgentWatch>;
