const headerCharsMax = 200;
const header = /^data:([a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*)(?:;[a-z0-9-]+=[a-z0-9._-]+)*;base64$/i;

/**
 * What is wrong with a text that has to be base64 (RFC 4648, with padding), as the end of a sentence whose subject is the
 * field; null if nothing is.
 */
export function base64Mistake(text: string): string | null {
  if (text === '') return 'must not be empty';
  const unpadded = text.slice(0, text.endsWith('==') ? -2 : text.endsWith('=') ? -1 : undefined);
  // A search for what does not belong there needs no stack, however long the text is.
  const isBase64 = text.length % 4 === 0 && unpadded !== '' && !/[^A-Za-z0-9+/]/.test(unpadded);
  return isBase64 ? null : 'must be base64 with padding, without line breaks';
}

/** The bytes that a base64 text of this length stands for. */
export const bytesOfBase64 = (text: string): number =>
  (text.length / 4) * 3 - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0);

/** The base64 of a `data:` URL. */
export const base64Of = (dataUrl: string): string => dataUrl.slice(dataUrl.indexOf(',') + 1);

/** Whether a text is meant as a `data:` URL. */
export const isDataUrl = (text: string): boolean => /^data:/i.test(text);

/**
 * What is wrong with a `data:` URL (RFC 2397) in base64, see `base64Mistake`.
 *
 * @param type the first half of its media type, such as `image`; any if omitted
 */
export function dataUrlMistake(text: string, type?: string): string | null {
  const comma = text.slice(0, headerCharsMax + 1).indexOf(',');
  const [, mediaType] = header.exec(text.slice(0, Math.max(0, comma))) ?? [];
  const example = `such as data:${type ?? 'application'}/${type === 'image' ? 'png' : 'pdf'};base64,…`;
  if (mediaType === undefined) return `must be a data: URL in base64, ${example}`;
  if (type !== undefined && !mediaType.toLowerCase().startsWith(`${type}/`)) {
    return `must have a media type that starts with ${type}/, ${example}`;
  }
  const mistake = base64Mistake(base64Of(text));
  return mistake && `${mistake}, after "${text.slice(0, comma + 1)}"`;
}
