import { TruncatedAnswerError } from '../call-errors.ts';
import type { HeadersOf, StreamNormaliser } from './stream-normaliser.ts';

const terminalEvents = new Set(['response.completed', 'response.failed', 'response.incomplete', 'response.error']);

/** Normalises the events of a streamed response. */
export function createResponsesNormaliser(headers: HeadersOf): StreamNormaliser {
  let hasTerminated = false;
  return {
    event(event) {
      if (terminalEvents.has((event as { type?: string } | null)?.type ?? '')) hasTerminated = true;
      return event as object | null;
    },
    isTerminal: () => hasTerminated,
    end() {
      if (!hasTerminated) throw new TruncatedAnswerError(headers());
      return null;
    },
  };
}
