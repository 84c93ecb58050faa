import type { ModelRequest } from '@openai/agents';

/** The least bytes of text per token: 4 in English, 3 in scripts whose characters have as many bytes. */
const bytesPerToken = 3;
/** The least tokens of a picture, a file or a sound in a request. */
const attachmentTokens = 2_000;
/** The least bytes of a file or a sound per token: texts and drawings of a PDF, and compressed speech, have more. */
const attachmentBytesPerToken = 1_000;

/** The tokens of a text, estimated high. */
export const estimateTokens = (text: string): number => Math.ceil(Buffer.byteLength(text) / bytesPerToken);

/** The tokens of data in base64, or in a `data:` URL: those of its text where it is one. */
function estimateAttachment(data: string): number {
  const bytes = Math.ceil(((data.length - data.indexOf(',') - 1) * 3) / 4);
  const perToken = /^data:text\//i.test(data) ? bytesPerToken : attachmentBytesPerToken;
  return Math.max(attachmentTokens, Math.ceil(bytes / perToken));
}

type Part = { type?: unknown; audio?: unknown; image?: unknown; file?: unknown; data?: unknown; mediaType?: unknown };

/** The fields that hold base64 without `data:` before it: sounds, and data of tools with a media type of its own. */
function bareData({ type, audio, data, mediaType }: Part): string | null {
  if (type === 'audio' && typeof audio === 'string') return audio;
  return typeof data === 'string' && typeof mediaType === 'string' ? data : null;
}

/** Whether an object is a picture or a file that the provider fetches or has already. */
const isReference = ({ type, image, file }: Part): boolean =>
  (type === 'input_image' || type === 'input_file') && !String(image ?? file).startsWith('data:');

/**
 * The input tokens of a request, estimated high; base64 does not count as text. A conversation that the provider keeps is
 * not part of the request and not counted.
 */
export function estimateInputTokens(request: ModelRequest): number {
  const { systemInstructions, input, tools, handoffs, outputType, prompt } = request;
  let attachments = 0;
  const text = JSON.stringify([systemInstructions, input, tools, handoffs, outputType, prompt], (_, value: unknown) => {
    if (typeof value === 'string' && value.startsWith('data:')) {
      attachments += estimateAttachment(value);
      return '';
    }
    if (typeof value !== 'object' || value === null) return value;
    const data = bareData(value);
    if (data !== null) {
      attachments += estimateAttachment(data);
      return '';
    }
    if (isReference(value)) attachments += attachmentTokens;
    return value;
  });
  return estimateTokens(text) + attachments;
}
