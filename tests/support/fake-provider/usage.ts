/**
 * The fake's tokens. They are a function of the text alone, so that a test can say in advance what a run will use.
 *
 * A text has as many tokens as it has words separated by white space. A tool call has one for its name and those of
 * its arguments as JSON text. Input is the instructions and every text, tool call and tool result of the conversation;
 * the definitions of tools do not count.
 */

/** What one answer used. */
export type Usage = {
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  reasoningTokens: number;
};

/** The tokens of a text: its words. */
export function countTokens(text: string): number {
  return text.match(/\S+/g)?.length ?? 0;
}

/** The tokens of a tool call: one for the name and those of the arguments. */
export function countCallTokens(argumentsText: string): number {
  return 1 + countTokens(argumentsText);
}

/** Cuts a text into the pieces that are streamed: one for each token, with the white space before it. */
export function splitTokens(text: string): string[] {
  const pieces = text.match(/\s*\S+/g) ?? [];
  const rest = text.slice(pieces.join('').length);
  if (rest === '') return pieces;
  return pieces.length === 0 ? [rest] : [...pieces.slice(0, -1), `${pieces.at(-1)}${rest}`];
}

/** How many characters of a tool call's arguments one streamed piece holds. */
const argumentPieceChars = 8;

/** Cuts the arguments of a tool call into the pieces that are streamed, regardless of where a token ends. */
export function splitArguments(argumentsText: string): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < argumentsText.length; at += argumentPieceChars) {
    pieces.push(argumentsText.slice(at, at + argumentPieceChars));
  }
  return pieces;
}
