import type { z } from 'zod';
import { defaultApi, officialUrl, withoutSlash } from '../openai-server.ts';
import { setting } from './setting.ts';
import { baseUrl, oneOf, optional, realKey, secondsToMs, text, whole } from './setting-schemas.ts';

/** The settings of model providers beyond the first; they are part of the table of all settings. */
export const providerSettings = {
  FALLBACK_OPENAI_BASE_URL: setting({
    schema: optional(baseUrl),
    about:
      'Base URL of the fallback provider, which is called if the first provider fails. Defaults to OpenAI, if FALLBACK_OPENAI_API_KEY is set.',
  }),
  FALLBACK_OPENAI_API_KEY: setting({
    schema: optional(realKey),
    secret: true,
    about: 'API key of the fallback provider.',
  }),
  FALLBACK_OPENAI_MODEL: setting({
    schema: optional(text('a model name')),
    about:
      'Model that the fallback provider is called with, instead of the one that the agent names. Defaults to the model of the agent.',
  }),
  FALLBACK_OPENAI_API: setting({
    schema: optional(oneOf(['responses', 'chat_completions'])),
    about:
      'Which OpenAI API the fallback provider is called with. Defaults to responses for OpenAI itself, else chat_completions.',
  }),
  PROVIDER_FIRST_EVENT_TIMEOUT: setting({
    schema: optional(secondsToMs(0.1, 3600)),
    about:
      'Timeout in seconds for the first event of a streamed model response; after it the service fails over to the next provider. Defaults to half of OPENAI_TIMEOUT, 20 at least.',
  }),
  PROVIDER_IDLE_TIMEOUT: setting({
    schema: optional(secondsToMs(0.1, 3600)),
    about:
      'Idle timeout in seconds between two events of a streamed model response; comments do not count as events. Defaults to half of OPENAI_TIMEOUT, 20 at least.',
  }),
  PROVIDER_MAX_CONCURRENCY: setting({
    schema: optional(whole(1, 1_000_000)),
    about:
      'Concurrency limit of the calls with one key of a provider, over all processes; further calls wait. Defaults to no limit.',
  }),
} as const;

type Table = typeof providerSettings;
type Parsed = { [Name in keyof Table]: z.output<Table[Name]['schema']> };

/** The least default time without an event after which a stream is taken for dead, in ms. */
const quietMsMin = 20_000;

/** The second provider; null if none is configured. */
function toFallback(parsed: Parsed) {
  const { FALLBACK_OPENAI_BASE_URL: given, FALLBACK_OPENAI_API_KEY: apiKey, FALLBACK_OPENAI_MODEL: model } = parsed;
  if (given === undefined && apiKey === undefined) return null;
  const baseUrl = withoutSlash(given ?? officialUrl);
  return { baseUrl, apiKey, model, api: parsed.FALLBACK_OPENAI_API ?? defaultApi(baseUrl) };
}

/** Converts them to the settings that the code uses. `OPENAI_TIMEOUT` is the timeout of a run, in ms. */
export function toProviderSettings(parsed: Parsed & { OPENAI_TIMEOUT: number }) {
  const quietMs = Math.max(quietMsMin, parsed.OPENAI_TIMEOUT / 2);
  return {
    /** Null for none. */
    fallback: toFallback(parsed),
    providerFirstEventMs: parsed.PROVIDER_FIRST_EVENT_TIMEOUT ?? quietMs,
    providerIdleMs: parsed.PROVIDER_IDLE_TIMEOUT ?? quietMs,
    /** Concurrent calls with one key at most; null for any number. */
    providerCallsMax: parsed.PROVIDER_MAX_CONCURRENCY ?? null,
  };
}
