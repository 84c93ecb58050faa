import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/postgres.ts';
import { openPostgresStore } from '../../../tests/support/postgres-store.ts';
import { systemClock } from '../../platform/clock.ts';
import { finish, newRun, start, tenant } from '../contract/fixture.contract.ts';

let database: TestDatabase;
let admin: pg.Client;
const role = `limited_${randomBytes(6).toString('hex')}`;
const name = () => new URL(database.url).pathname.slice(1);

beforeAll(async () => {
  database = await createTestDatabase('empty');
  admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  await admin.query(`create role ${role} login password 'limited'`);
  await admin.query(`alter database ${name()} owner to ${role}`);
});

afterAll(async () => {
  await admin.end();
  await database[Symbol.asyncDispose]();
  const cleaner = new pg.Client({ connectionString: database.url.replace(name(), 'postgres') });
  await cleaner.connect();
  await cleaner.query(`drop role ${role}`);
  await cleaner.end();
});

function roleUrl(): string {
  const url = new URL(database.url);
  url.username = role;
  url.password = 'limited';
  return url.href;
}

const others = `pg_stat_activity where usename = '${role}'`;

/** Waits until the role has no connection left: the database counts one until its process has ended. */
async function untilNobody(): Promise<void> {
  const { rowCount } = await admin.query(`select pg_terminate_backend(pid, 5000) from ${others}`);
  if (rowCount !== 0) await untilNobody();
}

describe('a stricter isolation by default', () => {
  const targets = { role: () => `role ${role}`, database: () => `database ${name()}` };
  for (const [of, target] of Object.entries(targets)) {
    for (const level of ['serializable', 'repeatable read']) {
      test(`of the ${of} (${level}) fails no run of a session`, async () => {
        await admin.query(`alter ${target()} set default_transaction_isolation = '${level}'`);
        try {
          await using store = await openPostgresStore(roleUrl());
          const ask = () => store.runs.create(newRun({ sessionId: `${of}-${level}` }), 'wait', true);
          const outcomes = await Promise.all(Array.from({ length: 20 }, ask));
          expect(outcomes.map(({ type }) => type).toSorted()).toEqual([...Array(19).fill('queued'), 'started']);
          const free = await Promise.all([1, 2, 3, 4].map((n) => start(store, { sessionId: `${of}-${level}-${n}` })));
          const ended = await Promise.all(free.map((run) => finish(store, run, { newItems: [{ text: run.id }] })));
          expect(ended.map(({ status }) => status)).toEqual(Array(4).fill('completed'));
        } finally {
          await admin.query(`alter ${target()} reset default_transaction_isolation`);
        }
      });
    }
  }
});

describe('a role that may have few connections', () => {
  const limitTo = (count: number) => admin.query(`alter role ${role} connection limit ${count}`);

  test('does all its work with two', async () => {
    await untilNobody();
    await limitTo(2);
    try {
      await using store = await openPostgresStore(roleUrl());
      const asked = Array.from({ length: 40 }, () => newRun({ sessionId: null }));
      await Promise.all(asked.map((run) => store.runs.create(run, 'wait', true)));
      const found = await Promise.all(asked.map(({ id }) => store.runs.get(tenant, id)));
      expect(found.map((run) => run?.status)).toEqual(Array(40).fill('running'));
    } finally {
      await limitTo(-1);
    }
  });

  test('has a start wait for a place, and says so once', async () => {
    await untilNobody();
    await limitTo(2);
    const holders = [1, 2].map(() => new pg.Client({ connectionString: roleUrl() }));
    for (const holder of holders) await holder.connect();
    const lines: string[] = [];
    const full = Promise.withResolvers<void>();
    const log = {
      info: () => {},
      warn: (_: object, line: string) => {
        lines.push(line);
        full.resolve();
      },
    } as never;
    try {
      const opening = openPostgresStore(roleUrl(), { log });
      await full.promise;
      for (const holder of holders) await holder.end();
      await using store = await opening;
      expect(await store.runs.countUnfinished()).toMatchObject({ queued: expect.any(Number) });
      expect(lines).toEqual(['Postgres has no place for another connection, the start waits for one']);
    } finally {
      await limitTo(-1);
    }
  });

  test('ends a start in one sentence if no place is free in time', async () => {
    await untilNobody();
    await limitTo(0);
    let nowMs = 0;
    const clock = {
      ...systemClock,
      monotonicMs: () => nowMs,
      sleep: async (delayMs: number) => {
        nowMs += delayMs;
      },
    };
    try {
      const error = await openPostgresStore(roleUrl(), { clock }).catch((thrown: Error) => thrown);
      expect(error).toMatchObject({ name: 'StoreSetupError' });
      expect((error as Error).message).toMatch(/^DATABASE_URL leads to .*, which cannot be used: too many connections/);
      expect((error as Error).message).not.toContain('\n');
      expect(nowMs).toBeGreaterThanOrEqual(30_000);
    } finally {
      await limitTo(-1);
    }
  });
});
