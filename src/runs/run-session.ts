import type { AgentInputItem, Session } from '@openai/agents';
import type { JsonRecord } from '../storage/port/index.ts';

/**
 * The SDK's view of a conversation during one run: the history as it was when the run started, and what the run adds,
 * which the store receives together with the run's final state.
 */
export function createRunSession(sessionId: string, history: readonly JsonRecord[]) {
  const items = history.map((item) => item as unknown as AgentInputItem);
  const added: AgentInputItem[] = [];
  const session: Session = {
    getSessionId: async () => sessionId,
    getItems: async (limit) => (limit === undefined ? [...items, ...added] : [...items, ...added].slice(-limit)),
    addItems: async (more) => {
      added.push(...more);
    },
    popItem: async () => added.pop(),
    clearSession: async () => {
      added.length = 0;
    },
  };
  return {
    session,
    /** What the run added so far, as it will be stored. */
    added: (): JsonRecord[] => added.map((item) => JSON.parse(JSON.stringify(item)) as JsonRecord),
  };
}
