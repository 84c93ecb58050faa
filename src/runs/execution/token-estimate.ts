import type { ModelRequest } from '@openai/agents';

/** The least bytes of text per token: 4 in English, 3 in scripts whose characters have as many bytes. */
const bytesPerToken = 3;
/** The tokens of an image or a file in a request. */
const attachmentTokens = 2_000;

/** The tokens of a text, estimated high. */
export const estimateTokens = (text: string): number => Math.ceil(Buffer.byteLength(text) / bytesPerToken);

/**
 * The input tokens of a request, estimated high. A conversation that the provider keeps is not part of the request and
 * not counted.
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
