import { hash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * The format of API keys: `ask_`, the id of the key without its `key_`, the secret, and a checksum. Secret scanners find
 * keys by this pattern, and the text of a leaked key names the id to revoke.
 */
export const apiKeyPattern = /^ask_([0-9a-hjkmnp-tv-z]{26})_[0-9A-Za-z]{43}[0-9A-Za-z]{6}$/;

const textPrefix = 'ask_';
const idPrefix = 'key_';
const secretBytes = 32;
/** 43 is the smallest number of base 62 digits that holds 256 bits, and 6 the smallest that holds 32. */
const secretDigits = 43;
const checksumDigits = 6;

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

function toBase62(value: bigint, digits: number): string {
  let text = '';
  for (let rest = value; text.length < digits; rest /= 62n) text = alphabet[Number(rest % 62n)] + text;
  return text;
}

const checksumOf = (text: string): string => toBase62(BigInt(crc32(text)), checksumDigits);

/** The SHA-256 of a key. Only the digest is stored: a secret of 256 random bits needs no slow hash and no salt. */
export const digestOf = (apiKey: string): Buffer => hash('sha256', apiKey, 'buffer');

/**
 * Makes a new key for an id: its text, which is shown once, and the stored fields, which are its hash in hex and its
 * beginning, which is not secret.
 *
 * @param random returns `size` random bytes; defaults to those of the system
 */
export function makeApiKey(
  keyId: string,
  random: (size: number) => Uint8Array = randomBytes,
): { text: string; hash: string; prefix: string } {
  const secret = toBase62(BigInt(`0x${Buffer.from(random(secretBytes)).toString('hex')}`), secretDigits);
  const prefix = textPrefix + keyId.slice(idPrefix.length);
  const body = `${prefix}_${secret}`;
  const text = body + checksumOf(body);
  return { text, hash: digestOf(text).toString('hex'), prefix };
}

/** The id in the text of a key; null if the text has not the format of a key or a wrong checksum, as after a typing mistake. */
export function keyIdOf(text: string): string | null {
  const [, id] = apiKeyPattern.exec(text) ?? [];
  if (id === undefined) return null;
  return checksumOf(text.slice(0, -checksumDigits)) === text.slice(-checksumDigits) ? idPrefix + id : null;
}
