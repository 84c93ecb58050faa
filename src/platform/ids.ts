import { randomBytes } from 'node:crypto';

/** The kind of thing that an id names. It is the prefix of the id, so that `run_…` and `key_…` are easy to tell apart in a log. */
export type IdKind = 'run' | 'key' | 'req' | 'proc' | 'hold';

/** Makes an id of the given kind. Ids of one kind sort by the time of their creation. */
export type Ids = (kind: IdKind) => string;

// Crockford's base 32 in lower case: it sorts like the numbers, and has no letters that look like digits.
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/** Each pair of digits, indexed by the ten bits that it encodes. */
const pairs = Array.from({ length: 1024 }, (_, bits) => `${alphabet[bits >>> 5]}${alphabet[bits & 31]}`);

/** 128 bits as 26 characters of base 32, most significant first. */
function encode(bytes: Uint8Array): string {
  let text = '';
  let pending = 0;
  let pendingBits = 2; // 26 characters hold 130 bits; two leading zero bits keep the order of the numbers.
  for (const byte of bytes) {
    pending = ((pending << 8) | byte) & 0x3ffff;
    pendingBits += 8;
    if (pendingBits < 10) continue;
    pendingBits -= 10;
    text += pairs[(pending >>> pendingBits) & 1023];
  }
  return text;
}

/** Random bytes that are read from the system at once: one read takes as long as the generation of thousands of bytes. */
const poolBytes = 4_096;

/** Random bytes of the system, from a pool. */
function createRandom(): (size: number) => Uint8Array {
  let pool = new Uint8Array(0);
  return (size) => {
    if (pool.length < size) pool = randomBytes(poolBytes);
    const bytes = pool.subarray(0, size);
    pool = pool.subarray(size);
    return bytes;
  };
}

/**
 * A source of ids `<kind>_<26 characters>`: UUIDv7 (RFC 9562, section 5.7) in base 32. Within a millisecond the
 * 12 bits after the timestamp count up, so the ids of one process sort in the order of their creation.
 *
 * @param nowMs the current time in ms since the epoch
 * @param random returns `size` random bytes; defaults to those of the system
 */
export function createIds(nowMs: () => number, random: (size: number) => Uint8Array = createRandom()): Ids {
  let lastMs = 0;
  let counter = 0;
  return (kind) => {
    const now = nowMs();
    if (now > lastMs) {
      lastMs = now;
      counter = 0;
    } else if (++counter > 0xfff) {
      lastMs += 1;
      counter = 0;
    }
    const bytes = new Uint8Array(random(16));
    const highMs = Math.floor(lastMs / 2 ** 32);
    bytes[0] = highMs >>> 8; // an element takes the last eight bits of a number
    bytes[1] = highMs;
    bytes[2] = lastMs / 2 ** 24;
    bytes[3] = lastMs / 2 ** 16;
    bytes[4] = lastMs / 2 ** 8;
    bytes[5] = lastMs;
    bytes[6] = 0x70 | (counter >>> 8); // the version
    bytes[7] = counter;
    bytes[8] = 0x80 | ((bytes[8] as number) & 0x3f); // the variant
    return `${kind}_${encode(bytes)}`;
  };
}
