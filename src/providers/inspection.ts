import { type Clock, systemClock } from '../platform/clock.ts';
import { networkReason } from '../platform/network-reason.ts';
import type { Settings } from '../platform/settings/settings.ts';
import type { ClockSample } from '../storage/port/index.ts';

/** What is left of a quota of a provider, as its headers `x-ratelimit-*` say it. */
export type Quota = { of: 'requests' | 'tokens'; limit: number; remaining: number };

/** One request to the provider and what came of it. */
export type Exchange =
  | {
      reached: true;
      status: number;
      /** The provider's name for what is wrong, such as `model_not_found`. Null where it gives none. */
      code: string | null;
      tookMs: number;
      quotas: Quota[];
      /** By the header `Date`, which counts seconds. Null where there is none. */
      clock: ClockSample | null;
    }
  | {
      reached: false;
      /** What the network says, such as `ECONNREFUSED`, or `timeout`. */
      reason: string;
    };

/** What was found of the model provider. */
export type ProviderFacts = {
  /** `GET /models`, as `/readyz` asks it. */
  models: Exchange;
  /** One small call of `OPENAI_MODEL`. Null where the first request has shown that it is of no use. */
  call: Exchange | null;
};

/** How long the provider may take, and with which clock that is measured. */
export type InspectProviderOptions = {
  /** For `GET /models`, in ms. */
  modelsMs: number;
  /** For the call of the model, in ms. */
  callMs: number;
  /** Defaults to the machine's. */
  clock?: Pick<Clock, 'nowMs' | 'monotonicMs'>;
};

const question = 'Answer with the word OK.';
/** The least that the Responses API takes. */
const answerTokens = 16;
/** An error longer than this is not read. */
const errorCharsMax = 10_000;

const calls = {
  responses: { path: '/responses', body: { input: question, max_output_tokens: answerTokens, store: false } },
  chat_completions: {
    path: '/chat/completions',
    body: { messages: [{ role: 'user', content: question }], max_completion_tokens: answerTokens },
  },
} as const;

/** Asks the provider that the settings name for its models, and the model of the settings for one word. Never throws. */
export async function inspectProvider(
  openai: Settings['openai'],
  { modelsMs, callMs, clock = systemClock }: InspectProviderOptions,
  signal: AbortSignal,
): Promise<ProviderFacts> {
  const ask = (path: string, limitMs: number, init: RequestInit = {}) =>
    exchange(`${openai.baseUrl}${path}`, clock, {
      ...init,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${openai.apiKey ?? 'none'}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(limitMs)]),
      redirect: 'manual',
    });
  const models = await ask('/models', modelsMs);
  if (!models.reached || models.status === 401) return { models, call: null };
  const { path, body } = calls[openai.api];
  const init = { method: 'POST', body: JSON.stringify({ model: openai.model, ...body }) };
  return { models, call: await ask(path, callMs, init) };
}

async function exchange(
  url: string,
  clock: Pick<Clock, 'nowMs' | 'monotonicMs'>,
  init: RequestInit,
): Promise<Exchange> {
  const [sentMs, startMs] = [clock.nowMs(), clock.monotonicMs()];
  try {
    const response = await fetch(url, init);
    const headMs = clock.monotonicMs() - startMs;
    const text = await response.text();
    return {
      reached: true,
      status: response.status,
      code: response.ok ? null : codeIn(text),
      tookMs: clock.monotonicMs() - startMs,
      quotas: quotasIn(response.headers),
      clock: clockOf(response.headers.get('date'), sentMs, headMs),
    };
  } catch (error) {
    return { reached: false, reason: networkReason(error) };
  }
}

/** Only a name in the usual form is taken: the rest of an error may quote the key. */
function codeIn(text: string): string | null {
  if (text.length > errorCharsMax) return null;
  try {
    const { error } = JSON.parse(text) as { error?: { code?: unknown; type?: unknown } };
    const code = [error?.code, error?.type].find((value) => typeof value === 'string' && /^[a-z_]{3,64}$/.test(value));
    return (code as string | undefined) ?? null;
  } catch {
    return null;
  }
}

function quotasIn(headers: Headers): Quota[] {
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
