import { z } from 'zod';
import { type Json, type JsonRecord, type Run, type RunInput, readMarker } from '../../storage/port/index.ts';

/** A content part of a run's input on the wire: as the Responses API writes it, large data by reference. */
const inputPartView = z
  .object({
    type: z.string(),
    text: z.string().optional(),
    refusal: z.string().optional(),
    image_url: z.string().optional(),
    detail: z.string().optional(),
    file_data: z.string().optional(),
    file_url: z.string().optional(),
    file_id: z.string().optional(),
    filename: z.string().optional(),
    input_audio: z.object({ data: z.string().optional(), format: z.string() }).optional(),
    bytes: z.int().optional().meta({ description: 'Of large data, which the part does not have: its size.' }),
    digest: z.string().optional().meta({ description: 'Of large data: SHA-256 of its bytes, in hex.' }),
    media_type: z.string().optional().meta({ description: 'Of large data.' }),
    url: z.string().optional().meta({ description: 'Where the bytes of large data can be read.' }),
  })
  .meta({ id: 'InputPart' });

/** A message of a run's input on the wire. */
export const inputItemView = z
  .object({
    type: z.literal('message'),
    role: z.enum(['user', 'assistant', 'system']),
    content: z.union([z.string(), z.array(inputPartView)]),
    phase: z.string().optional(),
  })
  .meta({ id: 'InputItem' });
type PartView = z.output<typeof inputPartView>;
type ItemView = z.output<typeof inputItemView>;

/** The fields that refer to data which is stored beside the run. */
function referenceTo(runId: string, value: Json | undefined): Partial<PartView> | null {
  const reference = readMarker(value);
  if (reference === null) return null;
  const { n, bytes, digest, mediaType } = reference;
  return { bytes, digest, media_type: mediaType, url: `/api/v1/runs/${runId}/input/${n}` };
}

/** The fields of a source by the name that the Responses API gives to each kind of it. */
function sourceOf(source: Json | undefined, dataField: 'image_url' | 'file_data'): Partial<PartView> {
  if (typeof source === 'string') {
    if (dataField === 'file_data' && !/^data:/i.test(source)) return { file_url: source };
    return { [dataField]: source };
  }
  const { id, url } = (source ?? {}) as { id?: string; url?: string };
  return id === undefined ? { file_url: url } : { file_id: id };
}

function toPartView(runId: string, part: JsonRecord): PartView {
  const { type, image, file, audio, format, detail, filename, text, refusal } = part as Record<string, string>;
  switch (type) {
    case 'input_image':
      return { type, ...(referenceTo(runId, image) ?? sourceOf(image, 'image_url')), detail };
    case 'input_file':
      return { type, ...(referenceTo(runId, file) ?? sourceOf(file, 'file_data')), filename };
    case 'audio': {
      const reference = referenceTo(runId, audio);
      const sound = { format: String(format), ...(reference === null ? { data: audio } : {}) };
      return { type: 'input_audio', input_audio: sound, ...reference };
    }
    default:
      return { type: String(type), text, refusal };
  }
}

/** The items of a run's input on the wire; null where the input is the text that `message` shows. */
export function toInputView({ id, input }: { id: Run['id']; input: RunInput }): ItemView[] | null {
  if ('text' in input) return null;
  return input.items.map(({ role, content, phase }) => ({
    type: 'message',
    role: role as ItemView['role'],
    content: Array.isArray(content) ? content.map((part) => toPartView(id, part as JsonRecord)) : String(content),
    ...(phase === undefined ? {} : { phase: String(phase) }),
  }));
}
