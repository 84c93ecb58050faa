import { type Clock, systemClock } from '../platform/clock.ts';
import { networkReason } from '../platform/network-reason.ts';
import type { Settings } from '../platform/settings/settings.ts';
import type { ClockSample } from '../storage/port/index.ts';
import { createProxyFetch, proxyFor, proxyOrigin } from './transport/index.ts';

/** The state of a quota of a provider, from its headers `x-ratelimit-*`. */
export type Quota = { of: 'requests' | 'tokens'; limit: number; remaining: number };

/** The result of one request to the provider. */
export type Exchange =
  | {
      reached: true;
      status: number;
      /** The provider's error code, such as `model_not_found`. Null if it sends none. */
      code: string | null;
      tookMs: number;
      quotas: Quota[];
      /** From the header `Date`, which has a resolution of a second. Null if there is none. */
      clock: ClockSample | null;
    }
  | {
      reached: false;
      /** The network error, such as `ECONNREFUSED`, or `timeout`. */
      reason: string;
    };

/** The facts about the model provider. */
export type ProviderFacts = {
  /** `GET /models`, the request of `/readyz`. */
  models: Exchange;
  /** One small call of the default model. Null if the first request has shown that the call would fail. */
  call: Exchange | null;
  /** The proxy that both went through, without user and password. Absent if there is none. */
  proxy?: string;
};

/** The time limits of the requests, and the clock that measures them. */
export type InspectProviderOptions = {
  /** The time limit of `GET /models`, in ms. */
  modelsMs: number;
  /** The time limit of the model call, in ms. */
  callMs: number;
  /** Defaults to the system clock. */
  clock?: Pick<Clock, 'nowMs' | 'monotonicMs'>;
};

const question = 'Answer with the word OK.';
/** The minimum of the Responses API. */
const answerTokens = 16;
/** An error body longer than this is not parsed. */
const errorCharsMax = 10_000;

const calls = {
  responses: { path: '/responses', body: { input: question, max_output_tokens: answerTokens, store: false } },
  chat_completions: {
    path: '/chat/completions',
    body: { messages: [{ role: 'user', content: question }], max_completion_tokens: answerTokens },
  },
} as const;

/**
 * Requests the list of models of the configured provider, and one word from the configured model, through the same proxy
 * as the service. Never throws.
 */
export async function inspectProvider(
  { openai, proxies }: Pick<Settings, 'openai' | 'proxies'>,
  limits: InspectProviderOptions,
  signal: AbortSignal,
): Promise<ProviderFacts> {
  const proxyUrl = proxyFor(openai.baseUrl, proxies);
  if (proxyUrl === undefined) return askProvider(openai, limits, globalThis.fetch, signal);
  const proxy = createProxyFetch(proxyUrl);
  try {
    return { ...(await askProvider(openai, limits, proxy.fetch, signal)), proxy: proxyOrigin(proxyUrl) };
  } finally {
    await proxy.stop();
  }
}

async function askProvider(
  openai: Settings['openai'],
  { modelsMs, callMs, clock = systemClock }: InspectProviderOptions,
  fetch: typeof globalThis.fetch,
  signal: AbortSignal,
): Promise<ProviderFacts> {
  const request = (path: string, limitMs: number, init: RequestInit = {}) =>
    exchange(fetch, `${openai.baseUrl}${path}`, clock, {
      ...init,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${openai.apiKey ?? 'none'}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(limitMs)]),
      redirect: 'manual',
    });
  const models = await request('/models', modelsMs);
  if (!models.reached || models.status === 401) return { models, call: null };
  const { path, body } = calls[openai.api];
  const init = { method: 'POST', body: JSON.stringify({ model: openai.model, ...body }) };
  return { models, call: await request(path, callMs, init) };
}

async function exchange(
  fetch: typeof globalThis.fetch,
  url: string,
  clock: Pick<Clock, 'nowMs' | 'monotonicMs'>,
  init: RequestInit,
): Promise<Exchange> {
  const [sentMs, startMs] = [clock.nowMs(), clock.monotonicMs()];
  try {
    const response = await fetch(url, init);
    const headersMs = clock.monotonicMs() - startMs;
    const text = await response.text();
    return {
      reached: true,
      status: response.status,
      code: response.ok ? null : errorCodeOf(text),
      tookMs: clock.monotonicMs() - startMs,
      quotas: quotasOf(response.headers),
      clock: clockOf(response.headers.get('date'), sentMs, headersMs),
    };
  } catch (error) {
    return { reached: false, reason: networkReason(error) };
  }
}

/** Only an error code in the usual form is returned: other parts of an error may contain the key. */
function errorCodeOf(text: string): string | null {
  if (text.length > errorCharsMax) return null;
  try {
    const { error } = JSON.parse(text) as { error?: { code?: unknown; type?: unknown } };
    const code = [error?.code, error?.type].find((value) => typeof value === 'string' && /^[a-z_]{3,64}$/.test(value));
    return (code as string | undefined) ?? null;
  } catch {
    return null;
  }
}

function quotasOf(headers: Headers): Quota[] {
  return (['requests', 'tokens'] as const).flatMap((of) => {
    const [limit, remaining] = ['limit', 'remaining'].map((what) => headers.get(`x-ratelimit-${what}-${of}`));
    if (!/^\d+$/.test(limit ?? '') || !/^\d+$/.test(remaining ?? '')) return [];
    return [{ of, limit: Number(limit), remaining: Number(remaining) }];
  });
}

function clockOf(date: string | null, sentMs: number, tookMs: number): ClockSample | null {
  const secondMs = Date.parse(date ?? '');
  if (Number.isNaN(secondMs)) return null;
  return { aheadMs: secondMs + 500 - (sentMs + tookMs / 2), uncertainMs: 500 + tookMs / 2 };
}
