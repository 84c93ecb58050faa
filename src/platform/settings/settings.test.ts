// tidy: long because it has the tests of all settings
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSettings, type SettingMistake, SettingsError } from './settings.ts';
import { type SettingName, settingsTable } from './settings-table.ts';

type Environment = Partial<Record<SettingName, string>>;

const apiKey = 'sk-proj-4f8aQ2vL9x';
const production = (environment: Environment) => parseSettings({ OPENAI_API_KEY: apiKey, ...environment });
const development = (environment: Environment) => parseSettings({ APP_ENV: 'development', ...environment });

/** The mistakes in an environment; empty if it is valid. */
function mistakesIn(environment: Environment): readonly SettingMistake[] {
  return failureOf(environment)?.mistakes ?? [];
}
function failureOf(environment: Environment): SettingsError | null {
  try {
    parseSettings(environment);
    return null;
  } catch (error) {
    if (error instanceof SettingsError) return error;
    throw error;
  }
}
const wrongIn = (environment: Environment) => mistakesIn(environment).map(({ name }) => name);

describe('without any setting but the key', () => {
  test('the defaults are those of the documentation', () => {
    expect(production({})).toEqual({
      appName: 'agent-service',
      appEnv: 'production',
      logLevel: 'INFO',
      logsContent: false,
      host: '0.0.0.0',
      port: 8000,
      metricsPort: 9464,
      role: 'all',
      workers: null,
      openai: {
        apiKey,
        model: 'gpt-4.1',
        modelSource: 'default of agent-service',
        baseUrl: 'https://api.openai.com/v1',
        api: 'responses',
        transport: 'auto',
        official: true,
      },
      proxies: { http: undefined, https: undefined, no: undefined },
      fallback: null,
      providerFirstEventMs: 20_000,
      providerIdleMs: 20_000,
      providerCallsMax: null,
      simulated: false,
      runTimeoutMs: 30_000,
      backgroundTimeoutMs: 3_600_000,
      toolEffectDefault: 'idempotent',
      toolOutputBytesMax: 16_777_216,
      runsMax: 50,
      queuedMax: 100,
      loopDelayMaxMs: 1_000,
      modelPrices: {},
      runBudget: { usd: null, tokens: null },
      tenantBudgets: {
        budgetUsdDay: null,
        budgetTokensDay: null,
        budgetUsdMonth: null,
        budgetTokensMonth: null,
      },
      turnsMax: 10,
      inputCharsMax: 200_000,
      inputPartsMax: 50,
      inputBytesMax: 10_485_760,
      leaseMs: 10_000,
      appVersion: undefined,
      versionAffinity: 'any',
      approvalExpiryMs: 7 * 24 * 3_600_000,
      runRetentionMs: 30 * 24 * 3_600_000,
      historyItemsMax: null,
      streamsPerCallerMax: 1_000,
      rateLimit: { perMinute: 100, burst: 20 },
      trustProxy: false,
      authMode: 'api_key',
      adminApiKey: undefined,
      corsOrigins: [],
      store: { databaseUrl: undefined, databaseDirectUrl: undefined, poolMax: 10, dataDir: './data', sync: 'full' },
      webhooks: { secrets: [], allowNetworks: [], allowHttp: false },
      healthCheckTimeoutMs: 5_000,
      readyzProviderDown: 'degraded',
      shutdownGraceMs: 35_000,
      prestopDelayMs: 0,
    });
  });

  test('an empty or blank variable counts as absent', () => {
    const names = Object.keys(settingsTable) as SettingName[];
    for (const blank of ['', ' ', '\t \n']) {
      const environment = Object.fromEntries(names.map((name) => [name, blank]));
      expect(production({ ...environment, OPENAI_API_KEY: apiKey })).toEqual(production({}));
    }
  });

  test('white space around a value is ignored', () => {
    expect(development({ PORT: ' 8080 ', APP_ENV: ' development\n' })).toEqual(development({ PORT: '8080' }));
  });
});

describe('the environment that it runs in', () => {
  test.each(['production', 'staging', undefined])('requires a key of the provider as %s', (APP_ENV) => {
    const [mistake, ...more] = mistakesIn({ APP_ENV });
    expect(more).toEqual([]);
    expect(mistake).toMatchObject({ name: 'OPENAI_API_KEY', found: 'nothing' });
    expect(mistake?.allowed).toContain(`required when APP_ENV is ${APP_ENV ?? 'production'}`);
    expect(mistake?.allowed).toContain('APP_ENV=development');
  });

  test('in development without a key the simulated model answers, on this machine only, and callers need no key', () => {
    expect(development({})).toMatchObject({ simulated: true, host: '127.0.0.1', authMode: 'none' });
    expect(development({ HOST: '::', AUTH_MODE: 'api_key' })).toMatchObject({ host: '::', authMode: 'api_key' });
  });

  test.each([
    ['development with a key', { APP_ENV: 'development', OPENAI_API_KEY: apiKey }],
    ['development with another server', { APP_ENV: 'development', OPENAI_BASE_URL: 'http://127.0.0.1:8080/v1' }],
    ['production', { OPENAI_API_KEY: apiKey }],
  ])('%s uses a real model', (_, environment) => {
    expect(parseSettings(environment).simulated).toBe(false);
  });

  test.each([
    ['https://api.openai.com/v1', 'responses'],
    ['https://eu.api.openai.com/v1', 'responses'],
    ['http://127.0.0.1:11434/v1', 'chat_completions'],
    ['https://api.openai.com.example.org/v1', 'chat_completions'],
    ['https://notapi.openai.com/v1', 'chat_completions'],
  ])('%s is called with the API %s unless OPENAI_API is set', (OPENAI_BASE_URL, api) => {
    expect(production({ OPENAI_BASE_URL }).openai.api).toBe(api);
    for (const OPENAI_API of ['responses', 'chat_completions']) {
      expect(production({ OPENAI_BASE_URL, OPENAI_API }).openai.api).toBe(OPENAI_API);
    }
  });

  test('slashes at the end of the base URL are ignored', () => {
    expect(production({ OPENAI_BASE_URL: 'http://127.0.0.1:1/v1//' }).openai.baseUrl).toBe('http://127.0.0.1:1/v1');
  });

  test('the URL of the direct connection to Postgres defaults to DATABASE_URL', () => {
    const DATABASE_URL = 'postgres://pooler/desk';
    const DATABASE_DIRECT_URL = 'postgresql://direct/desk';
    expect(production({ DATABASE_URL }).store.databaseDirectUrl).toBe(DATABASE_URL);
    expect(production({ DATABASE_URL, DATABASE_DIRECT_URL }).store.databaseDirectUrl).toBe(DATABASE_DIRECT_URL);
  });
});

describe('keys', () => {
  const placeholders = [
    'sk-your-key-here',
    'your_api_key',
    'YOUR-API-KEY',
    'placeholder',
    'changeme',
    'change-me',
    'sk-xxxx',
    'sk-...',
  ];

  test.each(placeholders)('the placeholder %s is refused', (placeholder) => {
    expect(mistakesIn({ OPENAI_API_KEY: placeholder })).toEqual([
      { name: 'OPENAI_API_KEY', found: 'a value that is not shown', allowed: 'a real key; this is a placeholder' },
    ]);
    const long = `${placeholder}-0123456789abcdef`;
    expect(wrongIn({ OPENAI_API_KEY: apiKey, ADMIN_API_KEY: long })).toEqual(['ADMIN_API_KEY']);
  });

  test('ADMIN_API_KEY has at least 16 characters', () => {
    expect(wrongIn({ OPENAI_API_KEY: apiKey, ADMIN_API_KEY: 'a'.repeat(15) })).toEqual(['ADMIN_API_KEY']);
    expect(production({ ADMIN_API_KEY: 'a'.repeat(16) }).adminApiKey).toBe('a'.repeat(16));
  });

  test.each(['sk-with space', 'sk-with\nline', 'sk-schlüssel'])('%j is not valid in a header and is refused', (key) => {
    expect(wrongIn({ OPENAI_API_KEY: key })).toEqual(['OPENAI_API_KEY']);
  });
});

describe('values', () => {
  const wholeNumbers = [
    'PORT',
    'METRICS_PORT',
    'MAX_CONCURRENT_RUNS',
    'MAX_TURNS',
    'MAX_INPUT_CHARS',
    'INPUT_PARTS_MAX',
    'INPUT_BYTES_MAX',
    'RATE_LIMIT_RPM',
    'RATE_LIMIT_BURST',
    'DATABASE_POOL_MAX',
    'SESSION_MAX_ITEMS',
  ] as const;
  const durations = ['OPENAI_TIMEOUT', 'RUN_LEASE', 'HEALTH_CHECK_TIMEOUT', 'SHUTDOWN_GRACE', 'PRESTOP_DELAY'] as const;
  const junk = [
    '-1',
    '-0',
    '+1',
    '1x',
    'x1',
    '1e3',
    '0x10',
    '1_000',
    '1,5',
    '1.2.3',
    '1 2',
    'NaN',
    'Infinity',
    '-Infinity',
    'null',
    '٣',
    '9'.repeat(400),
  ];

  test.each([...wholeNumbers, ...durations])('%s refuses a text that is not a number in its range', (name) => {
    for (const value of junk)
      expect({ value, wrong: wrongIn({ OPENAI_API_KEY: apiKey, [name]: value }) }).toEqual({ value, wrong: [name] });
  });

  test.each(wholeNumbers)('%s refuses a fraction', (name) => {
    expect(wrongIn({ OPENAI_API_KEY: apiKey, [name]: '1.5' })).toEqual([name]);
  });

  test('a port is any text of digits up to 65535, and no other text', () => {
    const anyText = fc.oneof(
      fc.string(),
      fc.stringMatching(/^[0-9.eE+-]{1,6}$/),
      fc.integer({ max: 70_000 }).map(String),
    );
    fc.assert(
      fc.property(anyText, (value) => {
        const isPort = /^[0-9]+$/.test(value.trim()) && Number(value) <= 65_535;
        const expected = isPort || value.trim() === '' ? [] : ['PORT'];
        expect(wrongIn({ OPENAI_API_KEY: apiKey, PORT: value })).toEqual(expected);
        if (isPort) expect(production({ PORT: value }).port).toBe(Number(value));
      }),
    );
  });

  test('durations are seconds and may be fractions', () => {
    const settings = production({ OPENAI_TIMEOUT: '0.25', PRESTOP_DELAY: '3', SHUTDOWN_GRACE: '7.0015' });
    expect(settings).toMatchObject({ runTimeoutMs: 250, prestopDelayMs: 3000, shutdownGraceMs: 7002 });
  });

  test.each([
    [{}, 'gpt-4.1', 'default of agent-service'],
    [{ OPENAI_DEFAULT_MODEL: 'GPT-5.4' }, 'gpt-5.4', 'OPENAI_DEFAULT_MODEL'], // the SDK reads it in lower case
    [{ OPENAI_DEFAULT_MODEL: 'gpt-5.4', OPENAI_MODEL: 'Qwen' }, 'Qwen', 'OPENAI_MODEL'],
  ])('with %j, the default model is %s', (environment, model, modelSource) => {
    expect(production(environment).openai).toMatchObject({ model, modelSource });
  });

  test('numbers are accepted at both ends of their range and refused beyond them', () => {
    expect(production({ PORT: '0' }).port).toBe(0);
    expect(production({ PORT: '65535' }).port).toBe(65_535);
    expect(wrongIn({ OPENAI_API_KEY: apiKey, PORT: '65536', MAX_TURNS: '0', OPENAI_TIMEOUT: '0.09' })).toEqual([
      'PORT',
      'OPENAI_TIMEOUT',
      'MAX_TURNS',
    ]);
  });

  test.each([
    ['30 days', 2_592_000_000],
    ['12h', 43_200_000],
    ['60', 60_000],
    ['3650 days', 315_360_000_000],
    ['never', null],
    ['Never', null],
  ])('RUN_RETENTION=%s is accepted', (RUN_RETENTION, expected) => {
    expect(production({ RUN_RETENTION }).runRetentionMs).toBe(expected);
  });

  test.each(['30', '0', '59s', '3651 days', '1 month', '-1 day', 'forever'])(
    'RUN_RETENTION=%s is refused',
    (RUN_RETENTION) => {
      expect(wrongIn({ OPENAI_API_KEY: apiKey, RUN_RETENTION })).toEqual(['RUN_RETENTION']);
    },
  );

  test('SESSION_MAX_ITEMS is a number of items, and 0 or nothing means all of them', () => {
    expect(production({ SESSION_MAX_ITEMS: '40' }).historyItemsMax).toBe(40);
    expect(production({ SESSION_MAX_ITEMS: '0' }).historyItemsMax).toBeNull();
  });

  test('levels of the log are accepted in upper and lower case', () => {
    expect(production({ LOG_LEVEL: 'warning' }).logLevel).toBe('WARNING');
    expect(wrongIn({ OPENAI_API_KEY: apiKey, LOG_LEVEL: 'loud' })).toEqual(['LOG_LEVEL']);
  });

  test.each([
    ['false', false],
    ['TRUE', true],
    ['0', 0],
    ['2', 2],
    ['10.0.0.0/8, 127.0.0.1', '10.0.0.0/8, 127.0.0.1'],
    ['loopback,fd00::/8', 'loopback,fd00::/8'],
  ])('TRUST_PROXY=%s is accepted', (TRUST_PROXY, expected) => {
    expect(production({ TRUST_PROXY }).trustProxy).toBe(expected);
  });

  test.each(['yes', '-1', '10.0.0.0/33', '10.0.0', '::1/129', '10.0.0.1/8/8', '10.0.0.1,', 'loopback/8', '1000'])(
    'TRUST_PROXY=%s is refused',
    (TRUST_PROXY) => {
      expect(wrongIn({ OPENAI_API_KEY: apiKey, TRUST_PROXY })).toEqual(['TRUST_PROXY']);
    },
  );

  test('CORS_ORIGINS accepts origins and *, and refuses any other text', () => {
    const CORS_ORIGINS = 'https://app.example.com, http://localhost:3000';
    expect(production({ CORS_ORIGINS }).corsOrigins).toEqual(['https://app.example.com', 'http://localhost:3000']);
    expect(production({ CORS_ORIGINS: '*' }).corsOrigins).toEqual(['*']);
    for (const wrong of [
      'app.example.com',
      'https://app.example.com/',
      'https://a.example/x',
      'https://a.example,',
      '**',
    ]) {
      expect(wrongIn({ OPENAI_API_KEY: apiKey, CORS_ORIGINS: wrong })).toEqual(['CORS_ORIGINS']);
    }
  });

  test.each([
    ['OPENAI_BASE_URL', ['api.openai.com', 'ftp://api.openai.com', 'https://']],
    ['DATABASE_URL', ['mysql://db/desk', 'desk', 'postgres']],
  ] as const)('%s refuses a text that is not such a URL', (name, values) => {
    for (const value of values) expect(wrongIn({ OPENAI_API_KEY: apiKey, [name]: value })).toEqual([name]);
  });
});

describe('mistakes', () => {
  test('are reported all at once, each with the value that was found and what is allowed', () => {
    const failure = failureOf({ APP_ENV: 'prod', PORT: 'http', OPENAI_API: 'grpc', DATABASE_URL: 'mysql://db' });
    expect(failure?.message.split('\n')).toEqual([
      'The settings have mistakes:',
      '  APP_ENV: found "prod"; allowed: one of development, staging, production, test',
      '  PORT: found "http"; allowed: a whole number from 0 to 65535',
      '  OPENAI_API: found "grpc"; allowed: one of responses, chat_completions',
      '  DATABASE_URL: found a value that is not shown; allowed: a URL that starts with postgres:// or postgresql://',
    ]);
  });

  test('are found in every setting that can have one, all at once', () => {
    const names = Object.keys(settingsTable) as SettingName[];
    const freeText: SettingName[] = [
      'APP_NAME',
      'HOST',
      'OPENAI_MODEL',
      'OPENAI_DEFAULT_MODEL',
      'FALLBACK_OPENAI_MODEL',
      'DATA_DIR',
      'NO_PROXY',
    ];
    const wrong = Object.fromEntries(names.map((name) => [name, 'placeholder ,']));
    expect(wrongIn(wrong).toSorted()).toEqual(names.filter((name) => !freeText.includes(name)).toSorted());
  });

  const secretNames = (Object.keys(settingsTable) as SettingName[]).filter(
    (name) => 'secret' in settingsTable[name] && settingsTable[name].secret,
  );
  // Longer than any text that they could have in common with a message by chance.
  const secrets = fc.oneof(
    fc.string({ minLength: 12, unit: 'grapheme' }),
    fc.stringMatching(/^[0-9A-F]{12,40}$/),
    fc.stringMatching(/^[0-9A-F]{12,40}$/).map((text) => `sk-${text}`),
    fc.stringMatching(/^[0-9A-F]{12,40}$/).map((text) => `your-key-${text}`),
    fc.stringMatching(/^[0-9A-F]{12,40}$/).map((text) => `mysql://user:${text}@db.example.com/desk`),
  );

  test('never show a secret, whatever its format', () => {
    expect(secretNames).toEqual([
      'OPENAI_API_KEY',
      'HTTP_PROXY',
      'HTTPS_PROXY',
      'FALLBACK_OPENAI_API_KEY',
      'ADMIN_API_KEY',
      'DATABASE_URL',
      'DATABASE_DIRECT_URL',
      'WEBHOOK_SIGNING_SECRET',
    ]);
    const environments = fc.record(Object.fromEntries(secretNames.map((name) => [name, secrets])));
    fc.assert(
      fc.property(environments, (environment) => {
        const failure = failureOf({ PORT: 'x', ...environment });
        expect(failure).not.toBeNull();
        for (const secret of Object.values(environment)) expectHidden(failure, secret);
      }),
      { numRuns: 500 },
    );
  });

  test('do not show a secret that was put into another setting by mistake', () => {
    const others = Object.keys(settingsTable).filter((name) => !secretNames.includes(name as SettingName));
    const key = fc.stringMatching(/^[0-9A-F]{12,40}$/);
    fc.assert(
      fc.property(fc.constantFrom(...others), key, fc.constantFrom('', 'Bearer ', '"'), (name, text, before) => {
        expectHidden(failureOf({ PORT: 'x', [name]: `sk-${text}` }), text);
        expectHidden(failureOf({ PORT: 'x', [name]: `ftp://user:${text}@host` }), text);
        expectHidden(failureOf({ PORT: 'x', ADMIN_API_KEY: text, [name]: `${before}${text}` }), text);
      }),
    );
  });

  function expectHidden(failure: SettingsError | null, secret: string): void {
    const shown = JSON.stringify([failure?.message, failure?.mistakes, failure?.stack]);
    if (secret.trim() !== '') expect(shown).not.toContain(JSON.stringify(secret.trim()).slice(1, -1));
  }

  test('show no more than the beginning of a long value', () => {
    const [mistake] = mistakesIn({ OPENAI_API_KEY: apiKey, PORT: 'x'.repeat(10_000) });
    expect(mistake?.found).toBe(`"${'x'.repeat(80)}…"`);
  });
});
