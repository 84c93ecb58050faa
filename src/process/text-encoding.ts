/** Byte-order marks of encodings that Node can decode. The one of UTF-32 begins with that of UTF-16, and is not among them. */
const marks = [
  { bytes: [0xef, 0xbb, 0xbf], encoding: 'utf-8' },
  { bytes: [0xff, 0xfe], encoding: 'utf-16le' },
  { bytes: [0xfe, 0xff], encoding: 'utf-16be' },
] as const;

/** Which of the two kinds of UTF-16 a text without a mark is; null for another encoding. Latin letters have a zero byte. */
function encodingByZeros(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | null {
  const zeros = [0, 0];
  for (const [at, byte] of bytes.entries()) if (byte === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  if (Math.max(even, odd) * 4 < bytes.length) return null;
  return odd > even ? 'utf-16le' : 'utf-16be';
}

/**
 * The text of a file in UTF-8 or UTF-16, with or without a byte-order mark. Bytes that are no UTF-8 become U+FFFD.
 * Undefined for what is no text.
 */
export function decodeText(bytes: Uint8Array): string | undefined {
  const marked = marks.find((mark) => mark.bytes.every((byte, at) => bytes[at] === byte))?.encoding;
  const encoding = marked ?? encodingByZeros(bytes) ?? 'utf-8';
  const text = new TextDecoder(encoding).decode(bytes);
  return text.includes('\0') ? undefined : text;
}
