import type { AgentInputItem, Session, SessionInputCallback } from '@openai/agents';
import { jsonCopy } from '../../platform/json-copy.ts';
import { type JsonRecord, type RunInput, toInputItems } from '../../storage/port/index.ts';
import { applySessionInput } from './session-input.ts';

/** A conversation at the start of a run: the items so far, and the input of the run. */
export type Conversation = { sessionId: string; history: readonly JsonRecord[]; input: RunInput };

/**
 * The SDK's view of a conversation during one run: the history as it was when the run started, and the items that the
 * run adds. The store receives those together with the run's final state.
 *
 * With a `sessionInput`, the SDK sees the items that it chose to send, which include the new input in any form; the
 * input is stored unchanged. The choice is made within the run, at the first read, so that calls of models in it are
 * journaled.
 */
export function createRunSession(
  { sessionId, history, input }: Conversation,
  sessionInput: SessionInputCallback | undefined,
) {
  const stored = history.map((item) => item as unknown as AgentInputItem);
  const newItems = () => toInputItems(input) as unknown as AgentInputItem[];
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
    /** For the SDK's option of this name: it adds nothing to the history that it read. */
    sessionInputCallback: sessionInput && ((history: AgentInputItem[]) => history),
    /** The items that the run added so far, as they will be stored. */
    added: (): JsonRecord[] =>
      [...(sessionInput ? newItems() : []), ...added].map((item) => jsonCopy(item) as JsonRecord),
  };
}

/** A conversation during one run. */
export type RunSession = ReturnType<typeof createRunSession>;
