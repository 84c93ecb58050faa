import type { AgentInputItem, Session, SessionInputCallback } from '@openai/agents';
import { type JsonRecord, userMessage } from '../../storage/port/index.ts';
import { applySessionInput } from './session-input.ts';

/** A conversation as a run finds it: what was said, and what the user says now. */
export type Conversation = { sessionId: string; history: readonly JsonRecord[]; message: string };

/**
 * The SDK's view of a conversation during one run: the history as it was when the run started, and what the run adds,
 * which the store receives together with the run's final state.
 *
 * With a `sessionInput` the history that the SDK sees is what that chose to send, the new message included, in whatever
 * form; what is stored is the message as it came. The choice is made within the run, at the first reading, so that
 * models that it asks are journaled.
 */
export function createRunSession(
  { sessionId, history, message }: Conversation,
  sessionInput: SessionInputCallback | undefined,
) {
  const stored = history.map((item) => item as unknown as AgentInputItem);
  const newItems = () => [userMessage(message) as unknown as AgentInputItem];
  let choice: Promise<AgentInputItem[]> | undefined;
  const chosen = () => {
    choice ??= sessionInput ? applySessionInput(sessionInput, stored, newItems()) : Promise.resolve(stored);
    return choice;
  };
  const added: AgentInputItem[] = [];
  const session: Session = {
    getSessionId: async () => sessionId,
    async getItems(limit) {
      const items = [...(await chosen()), ...added];
      return limit === undefined ? items : items.slice(-limit);
    },
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
    /** For the SDK's option of this name: nothing is to be added to the history that it read. */
    sessionInputCallback: sessionInput && ((history: AgentInputItem[]) => history),
    /** What the run added so far, as it will be stored. */
    added: (): JsonRecord[] =>
      [...(sessionInput ? newItems() : []), ...added].map((item) => JSON.parse(JSON.stringify(item)) as JsonRecord),
  };
}

/** A conversation during one run. */
export type RunSession = ReturnType<typeof createRunSession>;
