import { describe, expect, test } from 'vitest';
import { checkConfiguration } from './configuration.ts';

const good = { OPENAI_API_KEY: 'sk-1234567890', ADMIN_API_KEY: 'an-admin-key-of-enough-letters' };

const messages = (environment: Record<string, string | undefined>) =>
  checkConfiguration(environment).findings.map(({ verdict, message }) => `${verdict}: ${message}`);

describe('the check of the settings', () => {
  test('summarises the configuration in one line if there is no mistake', () => {
    expect(messages({ ...good, DATABASE_URL: 'postgres://me:secret@db/app' })).toEqual([
      expect.stringMatching(
        /^ok: \d+ settings without a mistake: production, Postgres, gpt-4.1 of api.openai.com, callers need a key\.$/,
      ),
    ]);
  });

  test('reports every mistake, and keeps the valid settings', () => {
    const environment = {
      ...good,
      PORT: 'x',
      OPENAI_TIMEOUT: '0',
      OPENAI_API_KEY: 'sk-your-key-here',
      APP_NAME: 'mine',
    };
    const { findings, settings, isBroken } = checkConfiguration(environment);
    expect(findings.map(({ verdict, details }) => [verdict, details.setting])).toEqual([
      ['failed', 'PORT'],
      ['failed', 'OPENAI_API_KEY'],
      ['failed', 'OPENAI_TIMEOUT'],
    ]);
    expect(settings).toMatchObject({ appName: 'mine', port: 8000, runTimeoutMs: 30_000 });
    expect(isBroken('PORT')).toBe(true);
    expect(isBroken('DATABASE_URL', 'APP_NAME')).toBe(false);
  });

  test('reports the allowed values of a setting with a mistake', () => {
    expect(checkConfiguration({ ...good, AUTH_MODE: 'open' }).findings).toMatchObject([
      { message: 'AUTH_MODE has a mistake: found "open".', remedy: 'Allowed: one of api_key, none.' },
    ]);
  });

  test('reports a missing key in production', () => {
    expect(messages({ ...good, OPENAI_API_KEY: ' ' })).toEqual([
      'failed: OPENAI_API_KEY has a mistake: found nothing.',
    ]);
  });

  test.each([
    ['OPENAI_TIMOUT', 'OPENAI_TIMEOUT'],
    ['DATABSE_URL', 'DATABASE_URL'],
    ['MAX_CONCURENT_RUNS', 'MAX_CONCURRENT_RUNS'],
    ['openai_api_key', 'OPENAI_API_KEY'],
  ])('reports %s as a misspelling of %s', (name, intended) => {
    expect(checkConfiguration({ ...good, [name]: '1' }).findings).toMatchObject([
      {
        verdict: 'warning',
        message: `${name} is no setting and has no effect.`,
        remedy: `If ${intended} is meant, name it so.`,
      },
    ]);
  });

  test('ignores variables that are not similar to a setting', () => {
    const others = { PATH: '/bin', POST: '1', NODE_ENV: 'production', KUBERNETES_PORT: '443', OPENAI_ORG_ID: 'o' };
    expect(messages({ ...good, ...others })).toEqual([expect.stringMatching(/^ok: /)]);
  });

  test.each([
    [{ AUTH_MODE: 'none' }, /whoever reaches the service may use it/],
    [{ ADMIN_API_KEY: '' }, /there is no ADMIN_API_KEY/],
    [{ OPENAI_TIMEOUT: '60' }, /SHUTDOWN_GRACE is shorter than OPENAI_TIMEOUT/],
    [{ RUN_BUDGET_USD: '1', OPENAI_MODEL: 'my-model' }, /what my-model costs is not known/],
    [{ TENANT_BUDGET_USD_DAY: '1', OPENAI_BASE_URL: 'https://gateway.example/v1' }, /what gpt-4.1 costs is not known/],
  ])('warns of %j in production', (change, message) => {
    expect(messages({ ...good, ...change })).toEqual([expect.stringMatching(message)]);
  });

  test('accepts a budget in USD if the price is known', () => {
    expect(messages({ ...good, RUN_BUDGET_USD: '1' })).toEqual([expect.stringMatching(/^ok: /)]);
  });

  test('has no such warnings in development', () => {
    expect(messages({ APP_ENV: 'development' })).toEqual([
      expect.stringMatching(/^ok: .*the embedded store in .\/data, the simulated model, callers need no key\.$/),
    ]);
  });
});
