import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createDatabase, type Sync } from './database.ts';

function openDatabase(sync: Sync = 'normal') {
  const folder = mkdtempSync(join(tmpdir(), 'agent-service-sqlite-'));
  const database = createDatabase(join(folder, 'test.db'), sync);
  const connection = database.open();
  connection.exec('create table notes (id integer primary key, text text not null) strict');
  const insert = (id: number, text: string) =>
    database.write((sql) => sql('insert into notes (id, text) values (?, ?)').run(id, text));
  const count = () => database.read((sql) => Number(sql('select count(*) as n from notes').get()?.n));
  return {
    database,
    connection,
    insert,
    count,
    [Symbol.dispose]() {
      database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

describe('the database', () => {
  for (const [sync, level] of [
    ['full', 2],
    ['normal', 1],
  ] as const) {
    test(`writes ahead, and waits for the disk as ${sync} says`, () => {
      using opened = openDatabase(sync);
      const pragma = (name: string) => Object.values(opened.connection.prepare(`pragma ${name}`).get() ?? {})[0];
      expect([pragma('journal_mode'), pragma('synchronous'), pragma('foreign_keys')]).toEqual(['wal', level, 1]);
    });
  }

  test('a broken constraint is the error of the operation, not of the database', async () => {
    using opened = openDatabase();
    await opened.insert(1, 'a');
    await expect(opened.insert(1, 'b')).rejects.toMatchObject({ code: 'ERR_SQLITE_ERROR' });
    await expect(opened.insert(2, 'b')).resolves.toBeDefined();
  });

  test('what a full disk refuses is unavailable and leaves no trace, and the next write that fits is done', async () => {
    using opened = openDatabase();
    await opened.insert(1, 'a');
    opened.connection.exec('pragma max_page_count = 4');
    const settled = await Promise.allSettled([opened.insert(2, 'x'.repeat(1_000_000)), opened.insert(3, 'fits')]);
    expect(settled[0]).toMatchObject({ reason: { code: 'store_unavailable', cause: { errcode: 13 } } });
    const done = settled.filter(({ status }) => status === 'fulfilled').length;
    expect(await opened.count()).toBe(1 + done);
    await opened.insert(4, 'fits');
    expect(await opened.count()).toBe(2 + done);
  });

  test('writes that are under way when it is closed are done', async () => {
    using opened = openDatabase();
    const writes = [opened.insert(1, 'a'), opened.insert(2, 'b')];
    opened.database.close();
    await Promise.all(writes);
    await expect(opened.insert(3, 'c')).rejects.toMatchObject({ code: 'store_unavailable' });
    await expect(opened.count()).rejects.toMatchObject({ code: 'store_unavailable' });
    opened.database.open();
    expect(await opened.count()).toBe(2);
  });
});
