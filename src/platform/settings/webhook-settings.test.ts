import { describe, expect, test } from 'vitest';
import { parseSettings, type SettingMistake, SettingsError } from './settings.ts';
import type { SettingName } from './settings-table.ts';

type Environment = Partial<Record<SettingName, string>>;

const production = (environment: Environment) =>
  parseSettings({ OPENAI_API_KEY: 'sk-proj-4f8aQ2vL9x', ...environment }).webhooks;
const development = (environment: Environment) => parseSettings({ APP_ENV: 'development', ...environment }).webhooks;

/** The mistakes in an environment; empty if it is valid. */
function mistakesIn(environment: Environment): readonly SettingMistake[] {
  try {
    production(environment);
    return [];
  } catch (error) {
    if (error instanceof SettingsError) return error.mistakes;
    throw error;
  }
}

describe('webhooks', () => {
  const secret = (bytes: number) => `whsec_${Buffer.alloc(bytes, 'k').toString('base64')}`;
  const networksOf = (WEBHOOK_ALLOW_NETWORKS: string) => production({ WEBHOOK_ALLOW_NETWORKS }).allowNetworks;

  test('are signed with one secret or several', () => {
    const two = `${secret(32)} ${secret(24)}`;
    expect(production({ WEBHOOK_SIGNING_SECRET: two }).secrets).toEqual([secret(32), secret(24)]);
    expect(production({ WEBHOOK_SIGNING_SECRET: secret(64) }).secrets).toEqual([secret(64)]);
  });

  test.each([
    ['too short', secret(23)],
    ['too long', secret(65)],
    ['without its prefix', secret(32).slice('whsec_'.length)],
    ['that is no base64', `whsec_${'-'.repeat(44)}`],
    ['whose second half is wrong', `${secret(32)} whsec_`],
    ['that are separated by commas', `${secret(32)},${secret(32)}`],
  ])('are not signed with secrets %s, which are not shown', (_what, WEBHOOK_SIGNING_SECRET) => {
    const [mistake, ...more] = mistakesIn({ WEBHOOK_SIGNING_SECRET });
    expect(more).toEqual([]);
    expect(mistake).toMatchObject({ name: 'WEBHOOK_SIGNING_SECRET', found: 'a value that is not shown' });
    expect(mistake?.allowed).toContain('openssl rand -base64 32');
  });

  test('may go to the Internet, and in development to this machine, unless networks are named', () => {
    expect(networksOf('10.0.0.0/8, 192.168.1.5,fd00::/8')).toEqual(['10.0.0.0/8', '192.168.1.5', 'fd00::/8']);
    expect(development({}).allowNetworks).toEqual(['127.0.0.0/8', '::1/128']);
    expect(development({ WEBHOOK_ALLOW_NETWORKS: '10.0.0.0/8' }).allowNetworks).toEqual(['10.0.0.0/8']);
  });

  test.each(['10.0.0.0/33', '10.0.0/8', 'localhost', 'loopback', '10.0.0.0/8;::1', '10.0.0.0/-1', ',', '1.2.3.4/'])(
    'are not sent to networks that are not valid: %s',
    (WEBHOOK_ALLOW_NETWORKS) => {
      expect(mistakesIn({ WEBHOOK_ALLOW_NETWORKS })).toMatchObject([{ name: 'WEBHOOK_ALLOW_NETWORKS' }]);
    },
  );

  test('may have a URL with http in development, and elsewhere only if the setting allows it', () => {
    expect(development({}).allowHttp).toBe(true);
    expect(development({ WEBHOOK_ALLOW_HTTP: 'false' }).allowHttp).toBe(false);
    expect(production({ WEBHOOK_ALLOW_HTTP: 'true' }).allowHttp).toBe(true);
  });
});
