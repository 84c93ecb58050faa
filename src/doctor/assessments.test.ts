import { describe, expect, test } from 'vitest';
import { parseSettings } from '../platform/settings/settings.ts';
import type { ProviderFacts } from '../providers/index.ts';
import type { EmbeddedFacts, PostgresFacts } from '../storage/port/index.ts';
import { assessClocks } from './clocks.ts';
import { assessDisk } from './disk.ts';
import { assessEmbedded } from './embedded.ts';
import type { Finding } from './finding.ts';
import { assessPostgres, unusablePostgres } from './postgres.ts';
import { assessProvider } from './provider.ts';
import { assessStoreEnvironment } from './store-environment.ts';

const settings = parseSettings({ OPENAI_API_KEY: 'sk-1234567890', DATABASE_URL: 'postgres://db/app' });
const line = ({ verdict, message }: Finding) => `${verdict}: ${message}`;
const lineOf = (findings: readonly Finding[], check: string) =>
  findings.filter((finding) => finding.check === check).map(line)[0];

describe('of Postgres', () => {
  const healthy: PostgresFacts = {
    serverVersion: '17.2',
    serverMajor: 17,
    encrypted: true,
    readOnly: false,
    mayCreate: true,
    latencyMs: 0.42,
    schema: { version: 6, known: 6, tooNew: false },
    stamp: null,
    clock: { aheadMs: 0, uncertainMs: 1 },
    pooling: 'none',
    directPooling: 'none',
    connections: { usable: 97, roleLimit: null, databaseLimit: null, others: 12 },
  };
  const assess = (facts: Partial<PostgresFacts>, replicas = 3) =>
    assessPostgres({ ...healthy, ...facts }, settings, replicas);

  test('a healthy server has no warning', () => {
    expect(assess({}).map(line)).toEqual([
      'ok: Postgres 17.2 answers in 0.4 ms, encrypted.',
      'ok: The schema has version 6, as it should.',
      'ok: There is no pooler before Postgres.',
      'ok: 3 × (10 + 1) = 33 of 97 connections; others have 12 open.',
    ]);
  });

  test.each<[Partial<PostgresFacts>, string, RegExp]>([
    [{ serverVersion: '13.4', serverMajor: 13 }, 'store', /^failed: Postgres 13\.4/],
    [{ readOnly: true }, 'store', /^failed: .* can only be read/],
    [{ latencyMs: 61 }, 'store', /^warning: .* answers in 61 ms; a run waits for it at every step/],
    [{ schema: { version: 7, known: 6, tooNew: true } }, 'schema', /^failed: The schema has version 7, .* knows 6/],
    [{ schema: { version: 7, known: 6, tooNew: false } }, 'schema', /^ok: .* version 7, and says .* works on it/],
    [{ schema: { version: 5, known: 6, tooNew: false } }, 'schema', /^warning: The schema has version 5 of 6\.$/],
    [{ schema: { version: null, known: 6, tooNew: false } }, 'schema', /^warning: There is no schema yet\.$/],
    [
      { schema: { version: 5, known: 6, tooNew: false }, mayCreate: false },
      'schema',
      /^failed: .*the user may not make tables/,
    ],
    [{ pooling: 'transactions' }, 'pooler', /^ok: .* pooler of transactions .* none on the direct way/],
    [{ pooling: 'transactions', directPooling: 'transactions' }, 'pooler', /^failed: .* signals and locks are lost/],
    [{ pooling: 'sessions', directPooling: 'sessions' }, 'pooler', /^warning: .*may end connections that are idle/],
    [{ pooling: 'transactions' }, 'connections', /^ok: 3 × 1 = 3 of 97/],
  ])('%j is %s %s', (facts, check, expected) => {
    expect(lineOf(assess(facts), check)).toMatch(expected);
  });

  test('the connections of all replicas have to fit into every limit', () => {
    const of = (limits: Partial<PostgresFacts['connections']>, replicas: number) =>
      lineOf(assess({ connections: { ...healthy.connections, ...limits } }, replicas), 'connections');
    expect(of({}, 7)).toMatch(/^ok: 7 × \(10 \+ 1\) = 77 of 97/);
    expect(of({}, 8)).toBe('warning: 8 × (10 + 1) = 88 of 97 connections, but others have 12 open.');
    expect(of({}, 9)).toBe('failed: Too many: 9 × (10 + 1) = 99 of 97 connections.');
    expect(of({ roleLimit: 20 }, 2)).toMatch(/^failed: .* of 20/);
    expect(of({ databaseLimit: 20 }, 2)).toMatch(/^failed: .* of 20/);
  });

  test.each([
    ['28P01', 'Check user and password.'],
    ['3D000', 'Create the database, or check its name.'],
    ['ECONNREFUSED', /^Nothing listens there/],
    ['SELF_SIGNED_CERT_IN_CHAIN', /^The certificate is not trusted/],
  ])('a database that cannot be used for %s is reported with the remedy', (code, remedy) => {
    expect(unusablePostgres('DATABASE_URL leads nowhere', code)).toMatchObject({
      verdict: 'failed',
      message: 'DATABASE_URL leads nowhere.',
      remedy: typeof remedy === 'string' ? remedy : expect.stringMatching(remedy),
    });
  });
});

describe('of the embedded store', () => {
  const healthy: EmbeddedFacts = {
    folder: true,
    notWritable: null,
    remote: null,
    syncMs: 1.24,
    owner: null,
    schema: { version: 4, known: 4, tooNew: false },
    stamp: null,
    notReadable: null,
  };
  const assess = (facts: Partial<EmbeddedFacts>, replicas = 1, broken: string | null | 'unfinished' = null) =>
    assessEmbedded({ ...healthy, ...facts }, broken === 'unfinished' ? broken : { broken }, '/data', replicas);

  test.each<[Partial<EmbeddedFacts>, RegExp]>([
    [{}, /^ok: DATA_DIR \/data is whole, the disk takes 1\.2 ms for a write\.$/],
    [{ owner: '17' }, /^ok: .*, process 17 executes runs on it\.$/],
    [{ folder: false, schema: null }, /^ok: .* is not there yet and can be made/],
    [{ notWritable: 'EACCES: permission denied', syncMs: null }, /^failed: .* cannot be written: EACCES/],
    [{ notReadable: 'file is not a database', schema: null }, /^failed: .* is broken: file is not a database/],
    [{ remote: 'NFS' }, /^warning: .* lies on NFS/],
    [{ syncMs: 80 }, /^warning: .* takes 80 ms for a write/],
  ])('%j is %s', (facts, expected) => {
    expect(lineOf(assess(facts), 'store')).toMatch(expected);
  });

  test('a broken file fails, and a file that is too large to be checked warns', () => {
    expect(lineOf(assess({}, 1, 'row 1 missing from index'), 'store')).toMatch(/^failed: .* row 1 missing from index/);
    expect(lineOf(assess({}, 1, 'unfinished'), 'store')).toMatch(/^warning: .* too large to be checked now/);
  });

  test('more than one replica fails', () => {
    expect(lineOf(assess({}, 2), 'connections')).toBe('failed: The embedded store serves one process, not 2.');
  });
});

describe('of the provider', () => {
  const answer = (status: number, code: string | null = null, tookMs = 12) => ({
    reached: true as const,
    status,
    code,
    tookMs,
    quotas: [],
    clock: null,
  });
  const assess = (facts: Partial<ProviderFacts>) =>
    assessProvider({ models: answer(200), call: answer(200), ...facts }, settings);

  test.each<[number, RegExp]>([
    [200, /^ok: api\.openai\.com answers in 12 ms and takes the key\.$/],
    [401, /^failed: .* does not accept this one \(401\)/],
    [403, /^failed: /],
    [404, /^warning: .* so that \/readyz says degraded/],
    [429, /^warning: .* too many requests/],
    [503, /^failed: .* it has trouble/],
  ])('GET /models answered %i is %s', (status, expected) => {
    expect(lineOf(assess({ models: answer(status) }), 'provider')).toMatch(expected);
  });

  test.each<[number, string | null, RegExp, RegExp]>([
    [404, 'model_not_found', /^failed: A call of gpt-4\.1 is answered 404 model_not_found\.$/, /OPENAI_MODEL/],
    [429, 'insufficient_quota', /^failed: /, /the quota is used up/],
    [429, 'rate_limit_exceeded', /^warning: /, /limits of the account/],
    [403, null, /^failed: /, /may use this model/],
    [500, null, /^failed: /, /status page/],
    [400, 'unknown_url', /^failed: /, /OPENAI_API to chat_completions/],
  ])('a call answered %i %s is %s with %s', (status, code, expected, remedy) => {
    const findings = assess({ call: answer(status, code) });
    expect(lineOf(findings, 'model')).toMatch(expected);
    expect(findings.find(({ check }) => check === 'model')?.remedy).toMatch(remedy);
  });

  test('a model that needs more than half of OPENAI_TIMEOUT for one word warns', () => {
    expect(lineOf(assess({ call: answer(200, null, 15_000) }), 'model')).toMatch(/^ok/);
    expect(lineOf(assess({ call: answer(200, null, 15_001) }), 'model')).toMatch(/^warning: .* more than half/);
  });

  test('a quota with a tenth or less remaining warns', () => {
    const left = (remaining: number) =>
      lineOf(assess({ call: { ...answer(200), quotas: [{ of: 'tokens', limit: 30_000, remaining }] } }), 'quota');
    expect(left(3_001)).toBe('ok: Left: 3,001 of 30,000 tokens.');
    expect(left(3_000)).toBe('warning: Little is left: 3,000 of 30,000 tokens.');
  });
});

describe('of clocks', () => {
  const assess = (aheadMs: number, uncertainMs = 1) =>
    assessClocks([{ of: 'Postgres', sample: { aheadMs, uncertainMs } }]);

  test('a difference of more than two seconds warns, and the uncertainty of the sample is subtracted', () => {
    expect(assess(-2_001).map(line)).toEqual(["ok: Ahead of this machine's: Postgres -2001 ms (± 1 ms)."]);
    expect(assess(2_500, 600).map(line)).toEqual([expect.stringMatching(/^ok/)]);
    expect(assess(-2_002).map(line)).toEqual(["warning: The clock of Postgres is 2002 ms behind this machine's."]);
    expect(assess(300_001).map(line)).toEqual(["failed: The clock of Postgres is 300 s ahead of this machine's."]);
  });

  test('the check is skipped if no other clock could be read', () => {
    expect(assessClocks([{ of: 'the provider', sample: null }]).map(line)).toEqual([expect.stringMatching(/^skipped/)]);
  });
});

describe('of the disk', () => {
  const gib = 1024 ** 3;
  test.each([
    [{ freeBytes: 5 * gib }, 'ok: 5.0 GiB free where DATA_DIR is.'],
    [{ freeBytes: gib - 1 }, 'warning: Only 1023 MiB free where DATA_DIR is.'],
    [{ freeBytes: 99 * 1024 ** 2 }, 'failed: Only 99 MiB free where DATA_DIR is.'],
    [{ filesFree: 0 }, 'failed: 5.0 GiB free where DATA_DIR is, but room for no file.'],
    [{ filesFree: 4 }, 'warning: 5.0 GiB free where DATA_DIR is, but room for only 4 files.'],
    [{ filesFree: 0, filesTotal: 0 }, 'ok: 5.0 GiB free where DATA_DIR is.'], // btrfs does not count files
  ])('%j is %s', (change, expected) => {
    expect(line(assessDisk({ folder: '/data', freeBytes: 5 * gib, filesFree: 50, filesTotal: 100, ...change }))).toBe(
      expected,
    );
  });
});

describe('of the environment of the store', () => {
  const assess = (stamp: string | null, environment: Record<string, string>) =>
    assessStoreEnvironment(stamp, parseSettings({ OPENAI_API_KEY: 'sk-1234567890', ...environment })).map(line);

  test('there is nothing to say where it is that of the settings, or none', () => {
    expect(assess('production', { APP_ENV: 'production' })).toEqual([]);
    expect(assess('test', { APP_ENV: 'development' })).toEqual([]);
    expect(assess(null, { APP_ENV: 'development' })).toEqual([]);
    expect(assess('production', { APP_ENV: 'development', STORE_ENV: 'production' })).toEqual([]);
  });

  test('another one is a warning, since a start with these settings is refused', () => {
    expect(assess('production', { APP_ENV: 'development' })).toEqual([
      'warning: The store is of production, and APP_ENV is development: a start is refused.',
    ]);
    expect(assess('production', { APP_ENV: 'production', STORE_ENV: 'staging' })).toEqual([
      'warning: The store is of production, and STORE_ENV is staging: a start is refused.',
    ]);
  });
});
