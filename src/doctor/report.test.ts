import { expect, test } from 'vitest';
import { within } from './deadline.ts';
import { failed, ok, skipped, warning } from './finding.ts';
import { exitCodeOf, jsonReport, textReport, withoutSecrets } from './report.ts';

const findings = [
  ok('configuration', 'Fine.'),
  warning('schema', 'It is old.', 'Mend it.', { version: 5 }),
  skipped('disk', 'Not used.'),
];

test('a warning ends with 0, and with 1 for those who are strict; a failure ends with 1', () => {
  expect([exitCodeOf(findings, false), exitCodeOf(findings, true)]).toEqual([0, 1]);
  expect(exitCodeOf([...findings, failed('store', 'It is gone.', 'Find it.')], false)).toBe(1);
  expect(exitCodeOf([skipped('disk', 'Not used.')], true)).toBe(0);
});

test('the report has one line for each finding, with the mend, and one for all', () => {
  expect(textReport(findings).split('\n')).toEqual([
    'ok       configuration      Fine.',
    'warning  schema             It is old.  Mend it.',
    'skipped  disk               Not used.',
    'Failed: 0. Warnings: 1.',
    '',
  ]);
  expect(textReport([ok('disk', 'Fine.')])).toContain('\nAll is well.\n');
});

test('the report for programs is one object with the worst verdict', () => {
  expect(JSON.parse(jsonReport(findings, '1.2.3'))).toEqual({ status: 'warning', version: '1.2.3', checks: findings });
});

test('no secret and no password of an address is told, whatever a message says, and no line ends early', () => {
  const environment = {
    OPENAI_API_KEY: 'sk-very-secret',
    DATABASE_URL: 'postgres://me:pass%40word@db/app',
    APP_NAME: 'public-name',
  };
  const said = 'sk-very-secret and pass@word and\npass%40word and postgres://me:pass%40word@db/app of public-name';
  const [cleaned] = withoutSecrets([failed('store', said, said, { said })], environment);
  const clean = '[secret] and [secret] and [secret] and [secret] of public-name';
  expect(cleaned).toMatchObject({ message: clean, mend: clean, figures: { said: clean } });
});

test('a check that does not come to an end fails at its deadline, and what waited is told so', async () => {
  let told: AbortSignal | undefined;
  const found = await within(
    5,
    ['store', 'schema'],
    (given) => given,
    (signal) => {
      told = signal;
      return new Promise(() => {});
    },
  );
  expect(found.map(({ check, verdict }) => [check, verdict])).toEqual([
    ['store', 'failed'],
    ['schema', 'skipped'],
  ]);
  expect(told?.aborted).toBe(true);
});

test('a check that throws fails with what it threw, and no other', async () => {
  const found = await within(
    60_000,
    ['disk'],
    (given) => given,
    () => Promise.reject(new Error('EIO: i/o error')),
  );
  expect(found).toMatchObject([
    { check: 'disk', verdict: 'failed', message: 'It cannot be looked at: EIO: i/o error.' },
  ]);
});
