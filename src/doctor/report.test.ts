import { expect, test } from 'vitest';
import { withDeadline } from './deadline.ts';
import { failed, ok, skipped, warning } from './finding.ts';
import { exitCodeOf, jsonReport, textReport, withoutSecrets } from './report.ts';

const findings = [
  ok('configuration', 'Fine.'),
  warning('schema', 'It is old.', 'Mend it.', { version: 5 }),
  skipped('disk', 'Not used.'),
];

test('a warning exits with 0, and with 1 if strict; a failure exits with 1', () => {
  expect([exitCodeOf(findings, false), exitCodeOf(findings, true)]).toEqual([0, 1]);
  expect(exitCodeOf([...findings, failed('store', 'It is gone.', 'Find it.')], false)).toBe(1);
  expect(exitCodeOf([skipped('disk', 'Not used.')], true)).toBe(0);
});

test('the report has one line for each finding, with the remedy, and a summary', () => {
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
  expect(JSON.parse(jsonReport(findings, '1.2.3'))).toEqual({
    status: 'warning',
    version: '1.2.3',
    checks: findings.map(({ remedy, details, ...rest }) => ({ ...rest, mend: remedy, figures: details })),
  });
});

test('no secret, password of a URL or line break is reported, whatever a message contains', () => {
  const environment = {
    OPENAI_API_KEY: 'sk-very-secret',
    DATABASE_URL: 'postgres://me:pass%40word@db/app',
    APP_NAME: 'public-name',
  };
  const said = 'sk-very-secret and pass@word and\npass%40word and postgres://me:pass%40word@db/app of public-name';
  const [cleaned] = withoutSecrets([failed('store', said, said, { said })], environment);
  const clean = '[secret] and [secret] and [secret] and [secret] of public-name';
  expect(cleaned).toMatchObject({ message: clean, remedy: clean, details: { said: clean } });
});

test('a check that takes too long fails at its deadline, and its signal aborts', async () => {
  let given: AbortSignal | undefined;
  const result = await withDeadline(
    5,
    ['store', 'schema'],
    (findings) => findings,
    (signal) => {
      given = signal;
      return new Promise(() => {});
    },
  );
  expect(result.map(({ check, verdict }) => [check, verdict])).toEqual([
    ['store', 'failed'],
    ['schema', 'skipped'],
  ]);
  expect(given?.aborted).toBe(true);
});

test('a check that throws fails with the message of the error', async () => {
  const result = await withDeadline(
    60_000,
    ['disk'],
    (findings) => findings,
    () => Promise.reject(new Error('EIO: i/o error')),
  );
  expect(result).toMatchObject([
    { check: 'disk', verdict: 'failed', message: 'It cannot be looked at: EIO: i/o error.' },
  ]);
});
