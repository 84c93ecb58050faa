import type { AgentInputItem, SessionInputCallback } from '@openai/agents';
import type { JsonRecord } from '../../storage/port/index.ts';
import { withoutUnpairedItems } from './turn-truncation.ts';

/** The `sessionInput` option threw, or returned items that cannot be sent to a model; see the cause. */
export class SessionInputFailed extends Error {
  constructor(cause: unknown) {
    super('the sessionInput option failed', { cause });
    this.name = 'SessionInputFailed';
  }
}

/** The items that the `sessionInput` option returned cannot be sent. A client sees only the name of this error. */
class InvalidSessionInput extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'InvalidSessionInput';
  }
}

/**
 * The items that the application chose to send at the beginning of a run. A call without its result is left out, and so
 * is a result without its call.
 *
 * @throws {SessionInputFailed} for any mistake of the application
 */
export async function applySessionInput(
  sessionInput: SessionInputCallback,
  history: readonly AgentInputItem[],
  newItems: readonly AgentInputItem[],
): Promise<AgentInputItem[]> {
  try {
    const chosen: unknown = await sessionInput([...history], [...newItems]);
    assertItems(chosen, new Set<unknown>(history));
    return withoutUnpairedItems(chosen as JsonRecord[]) as unknown as AgentInputItem[];
  } catch (error) {
    throw new SessionInputFailed(error);
  }
}

function assertItems(chosen: unknown, history: ReadonlySet<unknown>): void {
  const expected = 'sessionInput(history, newItems) must return the items to send, such as [...history, ...newItems]';
  if (!Array.isArray(chosen) || chosen.some((item) => typeof item !== 'object' || item === null)) {
    throw new InvalidSessionInput(`${expected}; it returned something else.`);
  }
  if (chosen.every((item) => history.has(item))) {
    throw new InvalidSessionInput(`${expected}; it returned nothing of newItems, which hold what the user says now.`);
  }
}
