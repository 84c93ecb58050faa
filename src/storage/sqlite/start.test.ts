import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { createSqliteStore, databaseFile } from './index.ts';
import { readMigrations } from './migrate.ts';

function createFolder() {
  const path = mkdtempSync(join(tmpdir(), 'agent-service-sqlite-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

const createStore = (dataDir: string, executes = true) => {
  const store = createSqliteStore({ dataDir, sync: 'normal', executes });
  const stop = () => store.stop(AbortSignal.timeout(10_000));
  return Object.assign(store, { [Symbol.asyncDispose]: stop });
};

const alive = () => AbortSignal.timeout(10_000);

describe('starting the embedded store', () => {
  test('makes the folder, and says which migrations it applied', async () => {
    using folder = createFolder();
    const lines: unknown[] = [];
    const log = { info: (...line: unknown[]) => void lines.push(line), error: () => {} };
    const dataDir = join(folder.path, 'a', 'b');
    const store = createSqliteStore({ dataDir, sync: 'full', executes: true, log });
    await store.start();
    await store.ping(alive());
    await store.stop(alive());
    expect(lines).toEqual(
      readMigrations().map(({ version, name }) => [{ version, migration: name }, 'migration applied']),
    );
    expect(lines[0]).toEqual([{ version: 1, migration: 'initial' }, 'migration applied']);
    expect(readdirSync(dataDir).sort()).toEqual([databaseFile, 'lock.db']);
  });

  // Elsewhere nothing says which files a process has open.
  test.runIf(process.platform === 'linux').each(['full', 'normal'] as const)(
    'with EMBEDDED_SYNC=%s it holds on to the log only where it is to wait for the disk under it',
    async (sync) => {
      using folder = createFolder();
      const store = createSqliteStore({ dataDir: folder.path, sync, executes: true });
      await store.start();
      const logs = readdirSync('/proc/self/fd').filter((descriptor) => {
        try {
          return readlinkSync(`/proc/self/fd/${descriptor}`) === join(folder.path, `${databaseFile}-wal`);
        } catch {
          return false; // that of the folder itself is closed by now
        }
      });
      await store.stop(alive());
      expect(logs).toHaveLength(sync === 'full' ? 2 : 1); // SQLite's, and ours
    },
  );

  test('a store that was stopped can be started again', async () => {
    using folder = createFolder();
    await using store = createStore(folder.path);
    for (let n = 0; n < 2; n += 1) {
      await store.start();
      expect(await store.ping(alive())).toBeUndefined();
      await store.stop(alive());
    }
  });

  test('a DATA_DIR that is a file is refused, by name', async () => {
    using folder = createFolder();
    const file = join(folder.path, 'file');
    writeFileSync(file, '');
    await expect(createStore(file).start()).rejects.toMatchObject({
      name: 'StoreSetupError',
      message: expect.stringContaining(`DATA_DIR ${file} cannot be used`),
    });
    await expect(createStore(join(file, 'below')).start()).rejects.toThrow('must be a folder');
  });

  test('a DATA_DIR that cannot be written is refused, by name', async () => {
    await expect(createStore('/sys/agent-service').start()).rejects.toMatchObject({
      name: 'StoreSetupError',
      message: expect.stringContaining('DATA_DIR /sys/agent-service cannot be used'),
    });
  });

  test('a file that is no database is refused and not touched', async () => {
    using folder = createFolder();
    writeFileSync(join(folder.path, databaseFile), 'something else entirely'.repeat(100));
    await expect(createStore(folder.path).start()).rejects.toThrow('not a database');
    expect(readdirSync(folder.path).sort()).toEqual([databaseFile, 'lock.db']);
  });

  test('data of a newer version are refused; nothing stays held, and the right version starts', async () => {
    using folder = createFolder();
    await using store = createStore(folder.path);
    await store.start();
    await store.stop(alive());
    const change = (statement: string) => {
      using connection = new DatabaseSync(join(folder.path, databaseFile));
      connection.exec(statement);
    };
    change("insert into schema_migrations (version, name, applied_at_ms) values (99, 'future', 0)");
    await expect(store.start()).rejects.toMatchObject({
      name: 'StoreSetupError',
      message: expect.stringMatching(new RegExp(`schema version 99; .* up to ${readMigrations().length}\\.`)),
    });
    await expect(store.ping(alive())).rejects.toMatchObject({ code: 'store_unavailable' });
    change('delete from schema_migrations where version = 99');
    await store.start();
    await store.ping(alive());
  });

  test('a second executor is refused with a way out; a tool that executes nothing is not', async () => {
    using folder = createFolder();
    await using first = createStore(folder.path);
    await first.start();
    await using second = createStore(folder.path);
    await expect(second.start()).rejects.toMatchObject({
      name: 'StoreSetupError',
      message: expect.stringMatching(new RegExp(`pid ${process.pid}.*DATABASE_URL.*Postgres`)),
    });
    await using tool = createStore(folder.path, false);
    await tool.start();
    await tool.ping(alive());
    await first.stop(alive());
    await second.start();
    await second.ping(alive());
  });
});
