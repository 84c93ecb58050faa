import { describe, expect, test } from 'vitest';
import { parseSettings, SettingsError } from './settings.ts';

const key = 'sk-proj-4f8aQ2vL9x';

/** The mistake in one variable, beside a key that is right; null where there is none. */
function mistakeIn(name: string, value: string) {
  try {
    parseSettings({ OPENAI_API_KEY: key, [name]: value });
    return null;
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    expect(error.mistakes.map((mistake) => mistake.name)).toEqual([name]);
    return error.mistakes[0];
  }
}

const quotes: [string, string][] = [
  ['"', '"'],
  ["'", "'"],
  ['`', '`'],
  ['“', '”'],
  ['‘', '’'],
];

describe('quotes around a value, which docker --env-file keeps, are a mistake of', () => {
  test.each([
    ['OPENAI_API_KEY', key],
    ['FALLBACK_OPENAI_API_KEY', key],
    ['ADMIN_API_KEY', key],
    ['WEBHOOK_SIGNING_SECRET', `whsec_${Buffer.alloc(32, 'a').toString('base64')}`],
    ['DATABASE_URL', 'postgres://u:p@127.0.0.1/db'],
    ['HTTPS_PROXY', 'http://proxy:3128'],
    ['OPENAI_BASE_URL', 'http://127.0.0.1:1/v1'],
    ['OPENAI_MODEL', 'gpt-4.1'],
    ['MAX_TURNS', '5'],
    ['OPENAI_TIMEOUT', '5.5'],
    ['LOG_CONTENT', 'true'],
    ['AUTH_MODE', 'none'],
    ['DATA_DIR', './data'],
    ['RUN_RETENTION', '30 days'],
  ])('%s', (name, value) => {
    expect(mistakeIn(name, value)).toBeNull();
    for (const [opening, closing] of quotes) {
      const mistake = mistakeIn(name, `${opening}${value}${closing}`);
      expect(mistake?.allowed).toContain('without the quotes around it');
      if (value === key) expect(JSON.stringify(mistake)).not.toContain(key);
    }
  });
});

describe('a key of a provider', () => {
  test.each([
    ['an opening quote', `"${key}`, 'a key without quotes'],
    ['a closing quote', `${key}’`, 'a key without quotes'],
    ['a variable in braces', `\${MY_KEY}`, 'variables in a value are not replaced'],
    ['a variable', '$MY_KEY', 'variables in a value are not replaced'],
    ['a variable of Windows', '%MY_KEY%', 'variables in a value are not replaced'],
    ['a template', '{{ .Values.key }}', 'variables in a value are not replaced'],
    ['a line end in it', `${key}\n${key}`, 'printable ASCII without spaces and line ends'],
    ['a space in it', `${key} ${key}`, 'printable ASCII without spaces and line ends'],
    ['another character than ASCII', `${key}é`, 'printable ASCII'],
  ])('with %s is a mistake that does not show it', (_, value, allowed) => {
    for (const name of ['OPENAI_API_KEY', 'FALLBACK_OPENAI_API_KEY']) {
      const mistake = mistakeIn(name, value);
      expect(mistake?.allowed).toContain(allowed);
      expect(JSON.stringify(mistake)).not.toContain(key);
    }
  });

  test.each(['\n', '\r\n', ' ', '\t'])('has %j at its end taken off, as a Secret made by echo has it', (end) => {
    expect(parseSettings({ OPENAI_API_KEY: key + end }).openai.apiKey).toBe(key);
  });
});

test('a key that the operator has chosen may have any characters in it', () => {
  const chosen = 'pa$$"w{o}rd-0123456';
  expect(parseSettings({ OPENAI_API_KEY: key, ADMIN_API_KEY: chosen }).adminApiKey).toBe(chosen);
});

test.each(['PORT', 'METRICS_PORT'])('of %s as Kubernetes sets it for a Service the mistake says why', (name) => {
  expect(mistakeIn(name, 'tcp://10.0.0.1:9464')).toMatchObject({
    found: '"tcp://10.0.0.1:9464"',
    allowed: expect.stringMatching(/a whole number from 0 to 65535; .*enableServiceLinks: false/),
  });
});

test.each(['/chat/completions', '/responses', '/chat/completions/'])('a base URL does not end in %s', (route) => {
  for (const name of ['OPENAI_BASE_URL', 'FALLBACK_OPENAI_BASE_URL']) {
    expect(mistakeIn(name, `https://gateway.example/v1${route}`)?.allowed).toContain('the URL up to the version');
  }
});

describe('an entry of NO_PROXY that is neither a name nor a network', () => {
  const parse = (NO_PROXY: string, proxy = {}) => parseSettings({ OPENAI_API_KEY: key, NO_PROXY, ...proxy });
  const proxy = { HTTPS_PROXY: 'http://proxy:3128' };

  test.each([
    '10.0.0.0/33',
    '10.0.0/8',
    'fd00::/129',
    '10.0.0.0/8/8',
    'http://a.example',
    '<local>',
    'a;b',
    '10.0.0.300',
  ])('%s is a mistake that names it, where there is a proxy', (entry) => {
    expect(() => parse(`localhost,${entry}`, proxy)).toThrow(`NO_PROXY: found "${entry}"; allowed: names such as`);
    expect(parse(`localhost,${entry}`).proxies.no).toBe(`localhost,${entry}`);
  });

  test.each([
    '*',
    'localhost,.svc,*.cluster.local',
    '10.0.0.0/8 ::1 [::1]:80',
    'kube_api.internal:443',
    'bücher.example.',
  ])('%s is none', (value) => {
    expect(parse(value, proxy).proxies.no).toBe(value);
  });
});

describe('values that stand for something else than they say are refused', () => {
  const mistakesOf = (environment: Record<string, string | undefined>) => {
    try {
      parseSettings({ APP_ENV: 'test', ...environment });
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };

  test.each([
    [{ HOST: 'http://127.0.0.1' }, /HOST: .* without a protocol and a port/],
    [{ HOST: '0.0.0.0:8000' }, /HOST: .* without a protocol and a port/],
    [{ DATA_DIR: '~/data' }, /DATA_DIR: .* in which ~ and variables are not replaced/],
    [{ DATA_DIR: '$HOME/data' }, /DATA_DIR: .* in which ~ and variables are not replaced/],
    [{ PORT: '9000', METRICS_PORT: '9000' }, /METRICS_PORT: found "9000"; allowed: another port than PORT/],
    [
      { OPENAI_BASE_URL: 'http://exa mple.com/v1' },
      /OPENAI_BASE_URL: .* a URL such as https:\/\/host\/path, without blanks/,
    ],
    [
      { DATABASE_URL: 'postgres://h/db', PGSSLMODE: 'allow' },
      /PGSSLMODE: found "allow"; allowed: one of disable, prefer/,
    ],
    [
      { DATABASE_URL: 'postgres://h/db', PGSERVICE: 'main' },
      /PGSERVICE: found "main"; allowed: nothing, since it is not read/,
    ],
  ])('%j', (environment, message) => expect(mistakesOf(environment)).toMatch(message));

  test.each([{ HOST: '::1' }, { HOST: 'localhost' }, { PORT: '0', METRICS_PORT: '0' }, { PGSSLMODE: 'allow' }])(
    '%j is taken',
    (environment) => expect(mistakesOf(environment)).toBe(''),
  );

  test('variables of Postgres complete both URLs', () => {
    const { store } = parseSettings({
      APP_ENV: 'test',
      DATABASE_URL: 'postgres://pooler/db',
      DATABASE_DIRECT_URL: 'postgres://h:1/db',
      PGPORT: '6432',
    });
    expect(store).toMatchObject({
      databaseUrl: 'postgres://pooler/db?port=6432',
      databaseDirectUrl: 'postgres://h:1/db',
    });
  });
});
