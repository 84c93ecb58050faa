import type { JsonRecord, RunInput } from '../../storage/port/index.ts';
import type { ContentPart } from './content-parts.ts';
import type { WireMessage } from './messages.ts';

/** A request's input as it came over the wire: `message` or `input`, exactly one of them. */
export type WireInput = { message?: string | ContentPart[]; input?: WireMessage[] };

/** A record without the fields that are undefined. */
const compact = (record: Record<string, JsonRecord[string] | undefined>): JsonRecord =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as JsonRecord;

const byId = (id: string | undefined) => (id === undefined ? undefined : { id });
const byUrl = (url: string | undefined) => (url === undefined ? undefined : { url });

/** A content part as the SDK's protocol has it. */
export function toSdkPart(part: ContentPart): JsonRecord {
  switch (part.type) {
    case 'input_text':
      return { type: 'input_text', text: part.text };
    case 'input_image': {
      const { image, image_url, file_id, detail } = part;
      return compact({ type: 'input_image', image: image ?? image_url ?? byId(file_id), detail });
    }
    case 'input_file': {
      const { file, file_data, file_url, file_id, filename } = part;
      return compact({ type: 'input_file', file: file ?? file_data ?? byUrl(file_url) ?? byId(file_id), filename });
    }
    case 'input_audio':
      return { type: 'audio', audio: part.input_audio.data, format: part.input_audio.format };
    case 'audio':
      return { type: 'audio', audio: part.audio, format: part.format };
  }
}

type AssistantContent = Extract<WireMessage, { role: 'assistant' }>['content'];

function toAssistantParts(content: AssistantContent): JsonRecord[] {
  if (typeof content === 'string') return [{ type: 'output_text', text: content }];
  return content.map(
    (part): JsonRecord =>
      part.type === 'output_text' ? { type: part.type, text: part.text } : { type: part.type, refusal: part.refusal },
  );
}

/**
 * A message as the SDK's protocol has it. It has one role for what the Responses API calls system and developer, whose
 * content is one text.
 */
export function toSdkMessage(message: WireMessage): JsonRecord {
  const { role } = message;
  switch (role) {
    case 'user': {
      const { content } = message;
      return { type: 'message', role, content: typeof content === 'string' ? content : content.map(toSdkPart) };
    }
    case 'assistant': {
      const { content, phase } = message;
      const parts = toAssistantParts(content);
      return compact({ type: 'message', role, status: 'completed', content: parts, phase: phase ?? undefined });
    }
    default: {
      const { content } = message;
      const text = typeof content === 'string' ? content : content.map((part) => part.text).join('\n');
      return { type: 'message', role: 'system', content: text };
    }
  }
}

/** The messages of a request's input. */
export const messagesOf = ({ message, input }: WireInput): WireMessage[] =>
  input ?? [{ role: 'user', content: message ?? '' }];

/** The input of a run from its request. A single text stays a text. */
export function toRunInput(wire: WireInput): RunInput {
  const [first, ...others] = messagesOf(wire);
  const isText = others.length === 0 && first?.role === 'user' && typeof first.content === 'string';
  return isText ? { text: first.content as string } : { items: messagesOf(wire).map(toSdkMessage) };
}
