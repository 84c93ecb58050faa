import { ServiceError } from '../../platform/errors.ts';
import type { ContentPart } from './content-parts.ts';
import { base64Of, bytesOfBase64, isDataUrl } from './data-url.ts';
import type { WireMessage } from './messages.ts';
import { messagesOf, type WireInput } from './to-items.ts';

/** What of an input the application allows: the `input` option of `serve()`. */
export type InputOption = {
  /** Further roles that messages of an input may have. Defaults to none: `user` and `assistant` only. */
  roles?: readonly ('system' | 'developer')[];
  /** Whether pictures and files may be named by the id of a file at the provider. Defaults to false. */
  fileIds?: boolean;
  /**
   * Whether pictures and files may be given as https:// URLs, which the model server fetches. Defaults to true where
   * every provider is OpenAI itself, else to false.
   */
  urls?: boolean;
};

/** What is allowed, and how much. */
export type InputRules = {
  roles: readonly string[];
  fileIds: boolean;
  urls: boolean;
  /** The APIs by which the providers are asked; empty where there is none, and anything is taken. */
  apis: readonly ('responses' | 'chat_completions')[];
  /** The most content parts of an input; a text counts as one. */
  partsMax: number;
  /** The most bytes of data in an input, decoded. */
  bytesMax: number;
  /** The most characters of text in an input. */
  charsMax: number;
};

/** A mistake and the place where it was found. */
export type InputMistake = { path: string; message: string };

const noIds =
  'must not be the id of a file: this service does not accept them. Send the file itself, or have the application allow them (serve({ input: { fileIds: true } }))';
const noUrls =
  'must not be a URL that the model server would fetch: this service does not accept them. Send a data: URL, or have the application allow them (serve({ input: { urls: true } }))';

/** What the SDK sends by one of the two APIs only, and the mistake of a part that is of it; null for other parts. */
function apiMistake(part: ContentPart, { apis }: InputRules): string | null {
  const takes = (api: InputRules['apis'][number]) => apis.length === 0 || apis.includes(api);
  const { type } = part;
  if (type === 'input_audio' || type === 'audio') {
    return takes('chat_completions') ? null : 'must not be a sound: the SDK sends none by the Responses API';
  }
  if (takes('responses')) return null;
  const ofResponses = 'the SDK sends it by the Responses API only';
  if (type === 'input_image' && (part.file_id !== undefined || typeof part.image === 'object'))
    return `must not name a picture by an id: ${ofResponses}`;
  const isFetched =
    type === 'input_file' &&
    (part.file_url !== undefined || isUrl(part.file) || Object.hasOwn(Object(part.file), 'url'));
  return isFetched ? `must not give a file as a URL: ${ofResponses}` : null;
}

const isUrl = (value: unknown): boolean => typeof value === 'string' && !isDataUrl(value);

/** The mistake of a part that names its source in a way that is not allowed; null if there is none. */
function sourceMistake(part: ContentPart, path: string, { fileIds, urls }: InputRules): InputMistake | null {
  if (part.type !== 'input_image' && part.type !== 'input_file') return null;
  const source = part.type === 'input_image' ? part.image : part.file;
  const isObject = typeof source === 'object';
  if (!fileIds && part.file_id !== undefined) return { path: `${path}.file_id`, message: noIds };
  if (!fileIds && isObject && 'id' in source) return { path: `${path}.${sdkField(part)}.id`, message: noIds };
  if (urls) return null;
  if (part.type === 'input_image' && isUrl(part.image_url)) return { path: `${path}.image_url`, message: noUrls };
  if (part.type === 'input_file' && part.file_url !== undefined) return { path: `${path}.file_url`, message: noUrls };
  if (isUrl(source) || (isObject && 'url' in source)) return { path: `${path}.${sdkField(part)}`, message: noUrls };
  return null;
}

const sdkField = ({ type }: ContentPart) => (type === 'input_image' ? 'image' : 'file');

/** The base64 data of a part; '' if it has none. */
function dataOf(part: ContentPart): string {
  if (part.type === 'input_audio') return part.input_audio.data;
  if (part.type === 'audio') return part.audio;
  const source =
    part.type === 'input_image'
      ? (part.image_url ?? part.image)
      : part.type === 'input_file'
        ? (part.file_data ?? part.file)
        : '';
  return typeof source === 'string' && isDataUrl(source) ? base64Of(source) : '';
}

type Sized = { parts: number; chars: number; bytes: number };

/** How much there is in content. */
function sizeOf(content: WireMessage['content']): Sized {
  if (typeof content === 'string') return { parts: 1, chars: content.length, bytes: 0 };
  const total: Sized = { parts: content.length, chars: 0, bytes: 0 };
  for (const part of content) {
    if ('text' in part) total.chars += part.text.length;
    else if (part.type === 'refusal') total.chars += part.refusal.length;
    else total.bytes += bytesOfBase64(dataOf(part));
  }
  return total;
}

/** The mistake of messages that are too much together; null if there is none. */
export function sizeMistake(
  messages: readonly Pick<WireMessage, 'content'>[],
  path: string,
  { partsMax, charsMax, bytesMax }: InputRules,
): InputMistake | null {
  const sizes = messages.map(({ content }) => sizeOf(content));
  const sum = (of: keyof Sized) => sizes.reduce((total, size) => total + size[of], 0);
  if (sum('parts') > partsMax) return { path, message: `may have at most ${partsMax} content parts (INPUT_PARTS_MAX)` };
  if (sum('chars') > charsMax)
    return { path, message: `may have at most ${charsMax} characters of text (MAX_INPUT_CHARS)` };
  if (sum('bytes') > bytesMax) return { path, message: `may have at most ${bytesMax} bytes of data (INPUT_BYTES_MAX)` };
  return null;
}

/** The mistake of a message by its role or the sources of its parts; null if there is none. */
export function messageMistake({ role, content }: WireMessage, path: string, contentPath: string, rules: InputRules) {
  if ((role === 'system' || role === 'developer') && !rules.roles.includes(role)) {
    const message = `must be user or assistant: this service does not accept messages of the role ${role} from callers`;
    return { path: `${path}.role`, message };
  }
  if (role !== 'user' || typeof content === 'string') return null;
  for (const [index, part] of content.entries()) {
    const partPath = `${contentPath}.${index}`;
    const mistake = sourceMistake(part, partPath, rules);
    if (mistake !== null) return mistake;
    const message = apiMistake(part, rules);
    if (message !== null) return { path: partPath, message };
  }
  return null;
}

/** Throws a mistake, if there is one. @throws {ServiceError} `validation_failed` */
export function assertNoMistake(mistake: InputMistake | null): void {
  if (mistake === null) return;
  const reason = `${mistake.path}: ${mistake.message}`;
  throw new ServiceError('validation_failed', { reason }, { errors: [mistake] });
}

/**
 * Refuses an input that the service does not allow.
 *
 * @throws {ServiceError} `validation_failed` with the place of the first mistake
 */
export function checkInput(wire: WireInput, rules: InputRules): void {
  const messages = messagesOf(wire);
  const field = wire.input === undefined ? 'message' : 'input';
  assertNoMistake(sizeMistake(messages, field, rules));
  for (const [index, message] of messages.entries()) {
    const path = field === 'message' ? field : `${field}.${index}`;
    assertNoMistake(messageMistake(message, path, field === 'message' ? field : `${path}.content`, rules));
  }
  const last = messages.length - 1;
  if (messages[last]?.role !== 'user') {
    assertNoMistake({ path: `input.${last}.role`, message: 'must be user: the last message is what the user says' });
  }
}
