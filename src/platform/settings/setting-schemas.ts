import { isIP } from 'node:net';
import { z } from 'zod';
import { describeDuration, parseDuration } from '../duration.ts';
import { parsePostgresUrl } from '../postgres-url.ts';

/** A text that is not empty. */
export const text = (allowed: string) => z.string({ error: () => allowed }).min(1, allowed);
/** A whole number. */
export const whole = (min: number, max: number) => {
  const allowed = `a whole number from ${min} to ${max}`;
  return z
    .string({ error: () => allowed })
    .regex(/^\d+$/, allowed)
    .transform(Number)
    .pipe(z.number().min(min, allowed).max(max, allowed));
};
/** A whole number, or null for `auto`. */
export const wholeOrAuto = (min: number, max: number) => {
  const allowed = `a whole number from ${min} to ${max}, or auto`;
  return z.string({ error: () => allowed }).transform((value, context) => {
    if (value.toLowerCase() === 'auto') return null;
    const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= min && number <= max)) context.addIssue(allowed);
    return number;
  });
};
/** Seconds, in ms. */
export const secondsToMs = (min: number, max: number) => {
  const allowed = `seconds from ${min} to ${max}`;
  return z
    .string({ error: () => allowed })
    .regex(/^\d+(\.\d+)?$/, allowed)
    .transform(Number)
    .pipe(z.number().min(min, allowed).max(max, allowed))
    .transform((seconds) => Math.round(seconds * 1000));
};

/** An amount of money above 0. */
export const amount = (max: number) => {
  const allowed = `an amount above 0 and up to ${max}, such as 25 or 0.5`;
  return z
    .string({ error: () => allowed })
    .regex(/^\d+(\.\d+)?$/, allowed)
    .transform(Number)
    .pipe(z.number().positive(allowed).max(max, allowed));
};

/** A retention time, in ms; null for ever. */
export const retention = (minMs: number, maxMs: number) => {
  const allowed = 'a duration from 1 minute to 3650 days, such as 30 days, 12h or 3600 (seconds), or never';
  return z.string({ error: () => allowed }).transform((value, context) => {
    if (value.toLowerCase() === 'never') return null;
    const durationMs = parseDuration(value);
    if (durationMs === null || durationMs < minMs || durationMs > maxMs) context.addIssue(allowed);
    return durationMs;
  });
};
/** A long duration, such as that of a wait for a person, in ms. */
export const patience = (minMs: number, maxMs: number) => {
  const allowed = `a duration from ${describeDuration(minMs)} to ${describeDuration(maxMs)}, such as 7 days, 12h or 3600 (seconds)`;
  return z.string({ error: () => allowed }).transform((value, context) => {
    const durationMs = parseDuration(value) ?? Number.NaN;
    if (!(durationMs >= minMs && durationMs <= maxMs)) context.addIssue(allowed);
    return durationMs;
  });
};
/** One of a few words. */
export const oneOf = <const T extends string>(values: readonly T[]) =>
  z.enum(values, { error: () => `one of ${values.join(', ')}` }) as z.ZodType<T, string>;
/** A URL of one of these protocols, each with its colon. */
export const url = (protocols: readonly string[]) => {
  const allowed = `a URL that starts with ${protocols.map((p) => `${p}//`).join(' or ')}`;
  const hasProtocol = (value: string) => protocols.some((each) => value.toLowerCase().startsWith(`${each}//`));
  const isUrl = (value: string) => URL.canParse(value) && protocols.includes(new URL(value).protocol);
  return z
    .string({ error: () => allowed })
    .refine((value) => isUrl(value) || hasProtocol(value), allowed)
    .refine((value) => isUrl(value) || !hasProtocol(value), `a URL such as ${protocols[0]}//host/path, without blanks`);
};
const hostAllowed = 'a name such as localhost, or an address such as 0.0.0.0 or ::, without a protocol and a port';
/** The host on which a server listens. */
export const listenHost = text(hostAllowed).refine(
  (value) => isIP(value) !== 0 || !/^\w+:\/\/|:\d+$/.test(value),
  hostAllowed,
);
const folderAllowed = 'the path of a folder, in which ~ and variables are not replaced: write them out';
/** The path of a folder. No shell replaces what stands in a file of settings. */
export const folder = text(folderAllowed).refine((value) => !/^~|\$\{|^\$\w/.test(value), folderAllowed);
/** The URL of a Postgres. A mistake says how it is written right. */
export const postgresUrl = z.string().superRefine((value, context) => {
  try {
    parsePostgresUrl(value);
  } catch (error) {
    context.addIssue((error as Error).message);
  }
});
/** The end of the URL of a request, which the base URL of a provider does not have. */
const route = /\/(?:chat\/completions|responses|completions)\/*$/;
/** The base URL of a model provider. */
export const baseUrl = url(['https:', 'http:']).refine(
  (value) => !URL.canParse(value) || !route.test(new URL(value).pathname),
  'the URL up to the version, such as https://api.example.com/v1, without /chat/completions or /responses',
);
/** The URL of an outgoing proxy. Without a protocol it is an HTTP proxy, as in other programs. */
export const proxyUrl = z
  .string()
  .transform((value) => (value.includes('://') ? value : `http://${value}`))
  .pipe(url(['http:', 'https:', 'socks5:']));
/** Whether a text names trusted proxies: an address, a network, or Fastify's name for a group of networks. */
function isProxy(text: string): boolean {
  const [address = '', prefix, ...more] = text.trim().split('/');
  if (['loopback', 'linklocal', 'uniquelocal'].includes(address)) return prefix === undefined;
  if (isIP(address) === 0 || more.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (isIP(address) === 4 ? 32 : 128));
}
const proxiesAllowed = 'true, false, a number of hops, or addresses and networks separated by commas';
/** The proxies that are trusted to name the address of the client. */
export const proxies = text(proxiesAllowed).refine(
  (value) => /^(true|false|\d{1,3})$/i.test(value) || value.split(',').every(isProxy),
  proxiesAllowed,
);
/** The value for Fastify's `trustProxy`: a flag, a number of hops, or a list. */
export function toTrustProxy(value: string | undefined): boolean | number | string {
  if (value === undefined || value.toLowerCase() === 'false') return false;
  if (value.toLowerCase() === 'true') return true;
  return /^\d+$/.test(value) ? Number(value) : value;
}
const placeholderKey = /your[-_ ]?(api[-_ ]?)?key|placeholder|change[-_ ]?me|^sk-(xxx|\.\.\.)/i;
const placeholder = 'a real key; this is a placeholder';
const notReplaced = 'the key itself, since variables in a value are not replaced';

/** An API key of the operator's own choice, that is not a placeholder from documentation. */
export const ownKey = text('an API key')
  .refine((value) => !placeholderKey.test(value), placeholder)
  .refine((value) => !/^(?:\$\{.*\}|\$\w+|%\w+%)$/.test(value), notReplaced)
  .refine((value) => /^[\x21-\x7e]+$/.test(value), 'printable ASCII without spaces and line ends');

/** The API key of a provider: no provider makes one with quotes or braces. `docker --env-file` keeps quotes. */
export const realKey = ownKey
  .refine((value) => !/["'`\u2018-\u201f]/.test(value), 'a key without quotes')
  .refine((value) => !/[{}]/.test(value), notReplaced);

const networksAllowed = 'networks such as 10.0.0.0/8 or fd00::/8, or addresses, separated by commas';

/** Networks, or single addresses. */
export const networks = text(networksAllowed)
  .transform((value) => value.split(',').map((network) => network.trim()))
  .refine((values) => values.every((value) => isIP(value.split('/')[0] ?? '') > 0 && isProxy(value)), networksAllowed);
const secretsAllowed =
  'whsec_ and 24 to 64 random bytes in base64, several separated by spaces; make one with: echo "whsec_$(openssl rand -base64 32)"';
const isSigningSecret = (value: string): boolean => {
  const [, base64 = ''] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(value) ?? [];
  const bytes = Buffer.from(base64, 'base64');
  return bytes.length >= 24 && bytes.length <= 64 && bytes.toString('base64') === base64;
};
/** Secrets for signing, as the Standard Webhooks specification writes them. */
export const signingSecrets = text(secretsAllowed)
  .transform((value) => value.split(/\s+/))
  .refine((values) => values.every(isSigningSecret), secretsAllowed);

/** Makes a setting optional. */
export const optional = <T>(schema: z.ZodType<T, string>): z.ZodType<T | undefined, string | undefined> =>
  schema.optional();
