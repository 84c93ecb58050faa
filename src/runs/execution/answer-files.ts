import type { Step } from '../../storage/port/index.ts';
import type { RunFile } from '../views/schemas.ts';
import { type RawItem, toRawItem } from './hosted-item.ts';
import { type OutputItem, recordedAnswerOf } from './model-answer.ts';

/** Bytes of a file of a run. */
export type FileContent = { filename: string; mediaType: string; bytes: Buffer };

/** Images that browsers show without executing anything; all others are served as bytes only. */
const imageTypes: Record<string, string> = {
  png: 'image/png',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  webp: 'image/webp',
  gif: 'image/gif',
};

/** A file whose bytes are in the answer, as base64. */
type Embedded = { id: string; extension: string; base64: string };
type Output = { type?: string; url?: string };

const dataUrl = /^data:image\/([a-z+]{1,20});base64,/;

/** The bytes of base64 text, without decoding it. */
const bytesOf = (base64: string): number => Math.floor((base64.replace(/=+$/, '').length * 3) / 4);

function embeddedImage(id: string, url: string): Embedded | null {
  const [prefix, extension] = dataUrl.exec(url) ?? [];
  return prefix === undefined ? null : { id, extension: extension ?? '', base64: url.slice(prefix.length) };
}

/** The files in an item of an answer, each with its bytes. `place` is the step and the item's index in the answer. */
function embeddedIn({ type, result, output_format, outputs }: RawItem, place: string): Embedded[] {
  if (type === 'image_generation_call' && typeof result === 'string' && result !== '') {
    return [{ id: place, extension: typeof output_format === 'string' ? output_format : 'png', base64: result }];
  }
  if (type !== 'code_interpreter_call') return [];
  return ((outputs ?? []) as Output[]).flatMap(({ url }, index) => embeddedImage(`${place}.${index}`, url ?? '') ?? []);
}

const filenameOf = ({ id, extension }: Embedded) => `${id}.${/^[a-z]{1,8}$/.test(extension) ? extension : 'bin'}`;
const mediaTypeOf = ({ extension }: Embedded) => imageTypes[extension] ?? 'application/octet-stream';

const noFile = { filename: null, media_type: null, bytes: null, url: null, container_id: null, file_id: null };

/** A file of an item of an answer, whose bytes the service serves. */
const toRunFile = (runId: string, step: number, callId: string, file: Embedded): RunFile => ({
  ...noFile,
  type: 'image',
  step,
  call_id: callId,
  filename: filenameOf(file),
  media_type: mediaTypeOf(file),
  bytes: bytesOf(file.base64),
  url: `/api/v1/runs/${runId}/files/${file.id}`,
});

/** Images of the code interpreter that the provider keeps: their URLs are its own. */
const keptByProvider = ({ type, outputs, id }: RawItem, step: number): RunFile[] =>
  type !== 'code_interpreter_call'
    ? []
    : ((outputs ?? []) as Output[]).flatMap(({ url }) =>
        url === undefined || dataUrl.test(url) ? [] : { ...noFile, type: 'image', step, call_id: id ?? null, url },
      );

/** The files in an item of an answer. `place` is the item's index in the answer of the step. */
export const filesOf = (
  item: RawItem,
  { runId, step, index }: { runId: string; step: number; index: number },
): RunFile[] => [
  ...embeddedIn(item, `${step}.${index}`).map((file) => toRunFile(runId, step, item.id ?? '', file)),
  ...keptByProvider(item, step),
];

/** A file that a message cites, and that the provider keeps in a container. */
export const citedFile = (step: number, { container_id, file_id, filename }: Record<string, unknown>): RunFile => ({
  ...noFile,
  type: 'container_file',
  step,
  call_id: null,
  filename: typeof filename === 'string' ? filename : null,
  container_id: String(container_id),
  file_id: String(file_id),
});

/** The bytes of a file, from the recorded answer that it is a part of; null if there is no such file. */
export function readFile(steps: readonly Step[], id: string): FileContent | null {
  const [step, index] = id.split('.').map(Number);
  const found = steps.find(
    ({ kind, status, step: number }) => kind === 'model_call' && status === 'completed' && number === step,
  );
  const item = found && recordedAnswerOf(found).output[index ?? -1];
  if (!item) return null;
  const file = embeddedIn(toRawItem(item as OutputItem), `${step}.${index}`).find((embedded) => embedded.id === id);
  if (!file) return null;
  return { filename: filenameOf(file), mediaType: mediaTypeOf(file), bytes: Buffer.from(file.base64, 'base64') };
}
