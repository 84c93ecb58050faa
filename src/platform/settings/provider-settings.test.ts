import { describe, expect, test } from 'vitest';
import { parseSettings } from './settings.ts';

const apiKey = 'sk-proj-4f8aQ2vL9x';
const production = (environment: Record<string, string>) => parseSettings({ OPENAI_API_KEY: apiKey, ...environment });
const development = (environment: Record<string, string>) => parseSettings({ APP_ENV: 'development', ...environment });

describe('the second provider', () => {
  test('is configured by its base URL or its key', () => {
    expect(production({ FALLBACK_OPENAI_MODEL: 'small' }).fallback).toBeNull();
    expect(
      production({ FALLBACK_OPENAI_BASE_URL: 'http://vllm:8000/v1/', FALLBACK_OPENAI_MODEL: 'small' }).fallback,
    ).toEqual({ baseUrl: 'http://vllm:8000/v1', apiKey: undefined, model: 'small', api: 'chat_completions' });
    expect(production({ FALLBACK_OPENAI_API_KEY: apiKey }).fallback).toMatchObject({
      baseUrl: 'https://api.openai.com/v1',
      api: 'responses',
    });
  });

  test('answers instead of the simulated model', () => {
    expect(development({}).simulated).toBe(true);
    expect(development({ FALLBACK_OPENAI_BASE_URL: 'http://vllm:8000/v1' }).simulated).toBe(false);
  });

  test('streams have half of the run timeout to begin and between events, 20 s at least', () => {
    expect(production({ OPENAI_TIMEOUT: '600' })).toMatchObject({
      providerFirstEventMs: 300_000,
      providerIdleMs: 300_000,
    });
    expect(production({ OPENAI_TIMEOUT: '600', PROVIDER_IDLE_TIMEOUT: '5' })).toMatchObject({ providerIdleMs: 5_000 });
  });
});

describe('proxies', () => {
  const parsed = (environment: Record<string, string>) => parseSettings({ APP_ENV: 'development', ...environment });

  test('are read from names in upper and lower case, of which the upper case takes precedence', () => {
    expect(parsed({ https_proxy: 'http://one:3128' }).proxies.https).toBe('http://one:3128');
    expect(parsed({ https_proxy: 'http://one', HTTPS_PROXY: 'http://two' }).proxies.https).toBe('http://two');
    expect(parsed({ no_proxy: '.svc' }).proxies.no).toBe('.svc');
    expect(parsed({ openai_model: 'small' }).openai.model).toBe('gpt-4.1');
  });

  test('are HTTP proxies if no protocol is named', () => {
    expect(parsed({ HTTP_PROXY: 'proxy.internal:3128' }).proxies.http).toBe('http://proxy.internal:3128');
  });
});
