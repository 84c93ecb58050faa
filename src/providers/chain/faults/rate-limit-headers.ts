import { parseRetryAfter } from '../../../platform/http/retry-after.ts';

/** The longest wait that a provider may ask for, in ms; a longer one is taken for this. */
export const waitMsMax = 24 * 3_600_000;

/** Headers as the client libraries give them: of an answer, or of an error. */
export type HeadersLike = { get(name: string): string | null };

const clamp = (waitMs: number): number => Math.min(Math.max(0, waitMs), waitMsMax);

/** Whether a value can be read like headers; two copies of a library have different classes for them. */
export const isHeaders = (value: unknown): value is HeadersLike =>
  typeof value === 'object' && value !== null && typeof (value as { get?: unknown }).get === 'function';

/** `Retry-After` in forms that RFC 9110 does not have and model servers send: fractions, negative numbers, other dates. */
function parseOddRetryAfter(header: string, nowMs: number): number | undefined {
  if (/^-?\d+(\.\d+)?$/.test(header)) return Number(header) * 1000;
  const untilMs = Date.parse(header);
  return Number.isNaN(untilMs) ? undefined : untilMs - nowMs;
}

/**
 * The wait that a provider's answer asks for, in ms from `nowMs`: `retry-after-ms` (OpenAI's own), else `retry-after`.
 * Between 0 and `waitMsMax`; undefined where neither can be read.
 */
export function requestedWaitMs(headers: unknown, nowMs: number): number | undefined {
  const read = (name: string) => (isHeaders(headers) ? headers.get(name) : null);
  const exact = read('retry-after-ms')?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(exact)) return clamp(Number(exact));
  const header = read('retry-after')?.trim();
  if (!header) return undefined;
  const waitMs = parseRetryAfter(header, nowMs) ?? parseOddRetryAfter(header, nowMs);
  return waitMs === undefined ? undefined : clamp(waitMs);
}

const unitMs: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration in OpenAI's format of `x-ratelimit-reset-*`: `20ms`, `1.5s`, `6m0s`; a bare number is seconds. In ms. */
function durationMs(text: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return undefined;
  let sumMs = 0;
  for (const [, count, unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    sumMs += Number(count) * (unitMs[unit] ?? 0);
  }
  return sumMs;
}

/**
 * How long a quota is exhausted, by the `x-ratelimit-*` headers of an answer, in ms; 0 while some of it is left. A limit
 * that is not above zero does not count: Azure OpenAI sends -1 and 0 where it has no value.
 */
export function exhaustedForMs(headers: HeadersLike): number {
  let longestMs = 0;
  for (const what of ['requests', 'tokens']) {
    const remaining = headers.get(`x-ratelimit-remaining-${what}`);
    if (remaining === null || Number(remaining) > 0 || Number.isNaN(Number(remaining))) continue;
    if (!(Number(headers.get(`x-ratelimit-limit-${what}`)) > 0)) continue;
    longestMs = Math.max(longestMs, durationMs(headers.get(`x-ratelimit-reset-${what}`)?.trim() ?? '') ?? 0);
  }
  return clamp(longestMs);
}
