import type { ModelRequest } from '@openai/agents';

/** Bytes of text that make a token, at least: 4 in English, 3 where a character has as many bytes. */
const bytesPerToken = 3;
/** What a picture or file that is sent along counts as. */
const attachmentTokens = 2_000;

/** Tokens of a text, rather too many than too few. */
export const estimateTokens = (text: string): number => Math.ceil(Buffer.byteLength(text) / bytesPerToken);

/**
 * Tokens that a request will take, rather too many than too few, as far as the request shows it: what a provider keeps
 * of a conversation is not in it.
 */
export function estimateInputTokens(request: ModelRequest): number {
  const { systemInstructions, input, tools, handoffs, outputType, prompt } = request;
  let attachments = 0;
  const text = JSON.stringify([systemInstructions, input, tools, handoffs, outputType, prompt], (_, value: unknown) => {
    if (typeof value !== 'string' || !value.startsWith('data:')) return value;
    attachments += 1;
    return '';
  });
  return estimateTokens(text) + attachments * attachmentTokens;
}
