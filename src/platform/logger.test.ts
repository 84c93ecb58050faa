import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createLogger, type LogLevel, logLevels } from './logger.ts';

/** A logger, and its lines as texts and as objects. */
function createLog(level: LogLevel = 'INFO') {
  const text: string[] = [];
  const destination = { write: (line: string) => void text.push(line) };
  const log = createLogger({ level, appName: 'desk', readable: false, destination });
  return { log, text, lines: () => text.map((line): unknown => JSON.parse(line)) };
}

describe('the log', () => {
  test('has one JSON object a line, with time, level, application, process, fields and message', () => {
    const { log, text, lines } = createLog();
    log.info({ runId: 'run_1', note: 'two\nlines' }, 'run started');
    log.error('run failed');
    expect(text.every((line) => line.indexOf('\n') === line.length - 1)).toBe(true);
    const common = { app: 'desk', pid: process.pid, time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/) };
    expect(lines()).toEqual([
      { ...common, level: 'info', runId: 'run_1', note: 'two\nlines', msg: 'run started' },
      { ...common, level: 'error', msg: 'run failed' },
    ]);
  });

  test('has the number of the worker in each line if there are several', () => {
    const text: string[] = [];
    const destination = { write: (line: string) => void text.push(line) };
    const log = createLogger({ level: 'INFO', appName: 'desk', worker: 2, readable: false, destination });
    log.info('run started');
    expect(JSON.parse(text[0] ?? '')).toMatchObject({ app: 'desk', pid: process.pid, worker: 2, msg: 'run started' });
  });

  test('has the type, message, stack and cause of an error', () => {
    const { log, lines } = createLog();
    log.error({ err: new TypeError('no such host', { cause: new Error('offline') }) }, 'provider check failed');
    expect(lines()).toMatchObject([
      {
        err: {
          type: 'TypeError',
          message: 'no such host: offline',
          stack: expect.stringContaining('caused by: Error'),
        },
      },
    ]);
  });

  test.each([
    ['DEBUG', ['debug', 'info', 'warn', 'error', 'fatal']],
    ['INFO', ['info', 'warn', 'error', 'fatal']],
    ['WARNING', ['warn', 'error', 'fatal']],
    ['WARN', ['warn', 'error', 'fatal']],
    ['ERROR', ['error', 'fatal']],
    ['CRITICAL', ['fatal']],
  ] as const)('at level %s holds %j', (level, expected) => {
    const { log, lines } = createLog(level);
    for (const method of ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const) log[method]('a line');
    expect(lines().map((line) => (line as { level: string }).level)).toEqual(expected);
  });

  test('accepts every level that the settings allow', () => {
    for (const level of Object.keys(logLevels) as LogLevel[]) expect(() => createLog(level)).not.toThrow();
  });

  test('has no secret of the fields in which secrets are usual', () => {
    const { log, text, lines } = createLog();
    const secret = 'sk-do-not-show-me';
    const headers = { authorization: `Bearer ${secret}`, cookie: secret, 'x-api-key': secret, accept: '*/*' };
    log.info({ req: { method: 'POST', headers } }, 'a request');
    log.info({ headers, ...headers }, 'headers');
    log.info({ apiKey: secret, password: secret, adminApiKey: secret, databaseUrl: secret }, 'one by one');
    const settings = {
      port: 8000,
      openai: { apiKey: secret, model: 'gpt-4.1' },
      adminApiKey: secret,
      store: { databaseUrl: secret, databaseDirectUrl: secret, poolMax: 10 },
    };
    log.info({ settings }, 'settings');
    log.info(settings, 'settings as fields');
    log.child({ apiKey: secret }).info('of a child');
    expect(text.join('')).not.toContain(secret);
    expect(lines()[0]).toMatchObject({ req: { method: 'POST', headers: { accept: '*/*', cookie: '[redacted]' } } });
    expect(lines()[3]).toMatchObject({ settings: { port: 8000, openai: { apiKey: '[redacted]', model: 'gpt-4.1' } } });
  });
});

/** The output of a process that logs to its standard output and ends at once. */
function printedBy(readable: boolean): string {
  const code = `
    import { createLogger } from ${JSON.stringify(join(import.meta.dirname, 'logger.ts'))};
    const log = createLogger({ level: 'INFO', appName: 'desk', readable: ${readable} });
    for (let line = 1; line <= 100; line += 1) log.info({ line }, 'last words');
    process.exit(3);
  `;
  const child = spawnSync(process.execPath, ['--input-type=module', '--eval', code], { encoding: 'utf8' });
  expect({ status: child.status, stderr: child.stderr }).toEqual({ status: 3, stderr: '' });
  return child.stdout;
}

describe('the log of a process that ends at once', () => {
  test('is complete on standard output', () => {
    const lines = printedBy(false).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).line)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  });

  test('is complete and without JSON if it is readable', () => {
    const printed = printedBy(true);
    expect(printed.match(/INFO.*: last words\n/g)).toHaveLength(100);
    expect(printed).not.toMatch(/[{}]/);
  });
});
