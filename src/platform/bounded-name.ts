/** A name as it may stand in an error for clients: names come from models too, thus their length and characters are bounded. */
export function boundedName(name: unknown): string {
  const text = typeof name === 'string' ? name.slice(0, 200).replace(/[^\p{L}\p{N} _.:/-]/gu, '?') : '';
  return [...text].slice(0, 64).join('') || 'unnamed';
}
