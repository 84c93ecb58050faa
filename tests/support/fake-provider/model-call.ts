import { countCallTokens, countTokens } from './usage.ts';

/** One entry of a conversation, the same for both APIs. */
export type Turn =
  | { type: 'user'; text: string }
  | { type: 'assistant'; text: string }
  | { type: 'toolCall'; callId: string; name: string; arguments: string }
  | { type: 'toolOutput'; callId: string; text: string };

/** A request for an answer, the same for both APIs. */
export type ModelCall = {
  api: 'responses' | 'chat_completions';
  model: string;
  streamed: boolean;
  /** Instructions, and system and developer messages, joined by line breaks. */
  instructions: string;
  conversation: Turn[];
  /** The JSON schema that the answer must follow, when the request names one. */
  outputSchema: JsonSchema | undefined;
};

/** As much of JSON Schema as the fake looks at. */
export type JsonSchema = {
  type?: string | string[];
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  enum?: unknown[];
  const?: unknown;
  anyOf?: JsonSchema[];
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
  minItems?: number;
  minimum?: number;
};

/** The conversation from the last user message on; all of it when there is none. */
function sinceLastUser(call: ModelCall): Turn[] {
  return call.conversation.slice(
    Math.max(
      0,
      call.conversation.findLastIndex((turn) => turn.type === 'user'),
    ),
  );
}

/** The text of the last user message; empty when there is none. */
export function lastUserText(call: ModelCall): string {
  return call.conversation.findLast((turn) => turn.type === 'user')?.text ?? '';
}

/** The tool results with which the conversation ends, joined by line breaks; undefined when it ends otherwise. */
export function lastToolOutput(call: ModelCall): string | undefined {
  const after = call.conversation.findLastIndex((turn) => turn.type !== 'toolOutput') + 1;
  const outputs = call.conversation.slice(after).flatMap((turn) => (turn.type === 'toolOutput' ? [turn.text] : []));
  return outputs.length > 0 ? outputs.join('\n') : undefined;
}

/** How many tools were called since the last user message. */
export function callsSinceUser(call: ModelCall): number {
  return sinceLastUser(call).filter((turn) => turn.type === 'toolCall').length;
}

/** Which answer after the user's message this is, from 1: one more than there are answers of the model since then. */
export function turnNumber(call: ModelCall): number {
  const turns = sinceLastUser(call);
  const isAnswer = (turn: Turn | undefined) => turn?.type === 'assistant' || turn?.type === 'toolCall';
  return 1 + turns.filter((turn, index) => isAnswer(turn) && !isAnswer(turns[index - 1])).length;
}

/** The tokens that a call's instructions and conversation have; see usage.ts. */
export function countInputTokens(call: ModelCall): number {
  const tokens = call.conversation.map((turn) =>
    turn.type === 'toolCall' ? countCallTokens(turn.arguments) : countTokens(turn.text),
  );
  return tokens.reduce((sum, count) => sum + count, countTokens(call.instructions));
}
