import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createDatabase } from './database.ts';
import { createWalDisk } from './wal-disk.ts';

function openDatabase(isDurable = false) {
  const folder = mkdtempSync(join(tmpdir(), 'agent-service-sqlite-'));
  const file = join(folder, 'test.db');
  const log = createWalDisk(file);
  let waits = 0;
  const disk = {
    sync(done: (error: Error | null) => void) {
      waits += 1;
      log.sync(done);
    },
    syncNow() {
      waits += 1;
      log.syncNow();
    },
    close: log.close,
  };
  const database = createDatabase(file, isDurable ? disk : null, (error) => expect.unreachable(error.message));
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
    waits: () => waits,
    [Symbol.dispose]() {
      database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

describe('the database', () => {
  test('writes ahead, and leaves the wait for the disk to the commits of groups', () => {
    using opened = openDatabase();
    const pragma = (name: string) => Object.values(opened.connection.prepare(`pragma ${name}`).get() ?? {})[0];
    expect([pragma('journal_mode'), pragma('synchronous'), pragma('foreign_keys')]).toEqual(['wal', 1, 1]);
  });

  test('waits for the disk once a group, in place or not', async () => {
    using opened = openDatabase(true);
    await opened.insert(1, 'a');
    expect(opened.waits()).toBe(1);
    await Promise.all([2, 3, 4, 5, 6].map((id) => opened.insert(id, 'b')));
    expect(opened.waits()).toBe(2);
    expect(await opened.count()).toBe(6);
  });

  test('what is under way when it is closed is waited for', async () => {
    using opened = openDatabase(true);
    const first = opened.insert(1, 'a');
    await new Promise((resolve) => setImmediate(resolve));
    const second = opened.insert(2, 'b');
    opened.database.close();
    await Promise.all([first, second]);
    expect(opened.waits()).toBe(3); // what was under way is waited for again, in place
    opened.database.open();
    expect(await opened.count()).toBe(2);
  });

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
