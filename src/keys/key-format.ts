import { hash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * What every API key looks like: `ask_`, the key's id without its `key_`, the secret, and a checksum. Secret scanners
 * find keys by it, and whoever holds a key that leaked knows which one to revoke.
 */
export const apiKeyPattern = /^ask_([0-9a-hjkmnp-tv-z]{26})_[0-9A-Za-z]{43}[0-9A-Za-z]{6}$/;

const textPrefix = 'ask_';
const idPrefix = 'key_';
const secretBytes = 32;
/** 62 to the power of 43 is the first that holds 256 bits; 62 to the power of 6 the first that holds 32. */
const secretDigits = 43;
const checksumDigits = 6;

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

function toBase62(value: bigint, digits: number): string {
  let text = '';
  for (let rest = value; text.length < digits; rest /= 62n) text = alphabet[Number(rest % 62n)] + text;
  return text;
}

const checksumOf = (text: string): string => toBase62(BigInt(crc32(text)), checksumDigits);

/** The SHA-256 of a key, which is all that is stored of it: 256 random bits need no slow hash and no salt. */
export const digestOf = (apiKey: string): Buffer => hash('sha256', apiKey, 'buffer');

/**
 * A new key for this id: its text, which is shown once, and what is stored: its hash in hex, and its beginning, which
 * is no secret.
 *
 * @param random returns that many random bytes; defaults to the system's
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

/** The id of the key that a text would be; null for what no key can be, such as one with a typing mistake. */
export function keyIdOf(text: string): string | null {
  const [, id] = apiKeyPattern.exec(text) ?? [];
  if (id === undefined) return null;
  return checksumOf(text.slice(0, -checksumDigits)) === text.slice(-checksumDigits) ? idPrefix + id : null;
}
