import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { checkIntegrity, createSqliteStore, databaseFile, inspectEmbedded } from './index.ts';
import { readMigrations } from './migrate.ts';

const known = readMigrations().at(-1)?.version;

function createFolder() {
  const path = mkdtempSync(join(tmpdir(), 'agent-service-sqlite-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

async function startStore(dataDir: string) {
  const store = createSqliteStore({ dataDir, sync: 'normal', executes: true });
  await store.start();
  return Object.assign(store, { [Symbol.asyncDispose]: () => store.stop(AbortSignal.timeout(10_000)) });
}

test('a folder that is not there is not made, and one that cannot be written says why', () => {
  using folder = createFolder();
  expect(inspectEmbedded(join(folder.path, 'a', 'b'))).toMatchObject({
    folder: false,
    notWritable: null,
    schema: null,
  });
  expect(readdirSync(folder.path)).toEqual([]);
  writeFileSync(join(folder.path, 'file'), '');
  expect(inspectEmbedded(join(folder.path, 'file')).notWritable).toMatch(/ENOTDIR/);
});

test('the inspection of a store in use finds its owner, and changes nothing', async () => {
  using folder = createFolder();
  await using _store = await startStore(folder.path);
  const before = readdirSync(folder.path);
  expect(inspectEmbedded(folder.path)).toMatchObject({
    folder: true,
    notWritable: null,
    owner: String(process.pid),
    schema: { version: known, known, tooNew: false },
    notReadable: null,
    syncMs: expect.any(Number),
  });
  expect(checkIntegrity(folder.path)).toBe(null);
  expect(readdirSync(folder.path)).toEqual(before);
});

test('a store that is not in use, or whose owner was killed, has no owner', async () => {
  using folder = createFolder();
  await (await startStore(folder.path))[Symbol.asyncDispose]();
  expect(inspectEmbedded(folder.path).owner).toBe(null);
  writeFileSync(join(folder.path, 'lock.pid'), '1\n'); // as one leaves it that is killed
  expect(inspectEmbedded(folder.path).owner).toBe(null);
});

test('a file with the schema of a newer version is reported as such', async () => {
  using folder = createFolder();
  await (await startStore(folder.path))[Symbol.asyncDispose]();
  const connection = new DatabaseSync(join(folder.path, databaseFile));
  connection.exec("insert into schema_migrations (version, name, applied_at_ms) values (9999, 'later', 0)");
  expect(inspectEmbedded(folder.path).schema).toEqual({ version: 9999, known, tooNew: true });
  connection.exec(`update schema_migrations set works_from = ${known} where version = 9999`);
  expect(inspectEmbedded(folder.path).schema).toEqual({ version: 9999, known, tooNew: false });
  connection.exec('alter table schema_migrations drop column works_from'); // as older versions made it
  expect(inspectEmbedded(folder.path).schema).toEqual({ version: 9999, known, tooNew: true });
  connection.close();
});

test('a file that is no database cannot be read, and a page that was overwritten breaks it', async () => {
  using folder = createFolder();
  writeFileSync(join(folder.path, databaseFile), 'something else entirely'.repeat(100));
  expect(inspectEmbedded(folder.path)).toMatchObject({
    schema: null,
    notReadable: expect.stringMatching(/not a database/),
  });

  using other = createFolder();
  await (await startStore(other.path))[Symbol.asyncDispose]();
  const file = openSync(join(other.path, databaseFile), 'r+');
  writeSync(file, Buffer.alloc(4096, 0xff), 0, 4096, 4096); // the second page
  closeSync(file);
  expect(checkIntegrity(other.path)).toEqual(expect.any(String));
});
