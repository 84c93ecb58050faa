import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { EmbeddedFacts, SchemaFacts } from '../port/index.ts';
import { databaseFile } from './database.ts';
import { busyCode, resultCode } from './errors.ts';
import { readMigrations } from './migrate.ts';
import { readOwnership } from './store-environment.ts';

/** How long a query waits for a process that writes. */
const busyTimeoutMs = 2_000;
/** How many syncs are measured. */
const samples = 5;

// Numbers of remote file systems on Linux (statfs(2)).
const remoteFileSystems: Record<number, string> = {
  26985: 'NFS',
  20859: 'SMB',
  4266872130: 'SMB',
  4283649346: 'SMB',
  16914839: '9P',
  1702057286: 'FUSE', // most drivers of object storage
};

/** The folder, or the next one above it that exists. */
export function nearestFolder(path: string): string {
  let folder = resolve(path);
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/**
 * Inspects the embedded store in `dataDir`, in use or not, and changes nothing. It blocks the event loop while it waits
 * for the disk, so it belongs into a process that can be ended.
 */
export function inspectEmbedded(dataDir: string): EmbeddedFacts {
  const folder = nearestFolder(dataDir);
  const there = folder === resolve(dataDir);
  const { syncMs, notWritable } = measureSync(folder);
  return {
    folder: there,
    notWritable,
    remote: remoteFileSystems[statfsSync(folder).type] ?? null,
    syncMs,
    owner: there ? findOwner(dataDir) : null,
    ...(there ? readSchema(dataDir) : { schema: null, stamp: null, notReadable: null }),
  };
}

/** The first error in the file of the embedded store (SQLite's `quick_check`); null if there is none. */
export function checkIntegrity(dataDir: string): string | null {
  const file = join(dataDir, databaseFile);
  if (!existsSync(file)) return null;
  try {
    const connection = new DatabaseSync(file, { readOnly: true, timeout: busyTimeoutMs });
    try {
      const [row] = connection.prepare('pragma quick_check(1)').all();
      const found = String(row?.quick_check);
      return found === 'ok' ? null : found.replace(/\s+/g, ' ');
    } finally {
      connection.close();
    }
  } catch (error) {
    return reasonOf(error);
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function measureSync(folder: string): Pick<EmbeddedFacts, 'syncMs' | 'notWritable'> {
  let own: string | null = null;
  try {
    own = mkdtempSync(join(folder, '.doctor-'));
    const file = openSync(join(own, 'written'), 'w');
    try {
      const tookMs = Array.from({ length: samples }, () => {
        const startMs = performance.now();
        writeSync(file, Buffer.alloc(4096));
        fsyncSync(file);
        return performance.now() - startMs;
      }).sort((a, b) => a - b);
      return { syncMs: tookMs[samples >> 1] ?? null, notWritable: null };
    } finally {
      closeSync(file);
    }
  } catch (error) {
    return { syncMs: null, notWritable: reasonOf(error) };
  } finally {
    if (own !== null) rmSync(own, { recursive: true, force: true });
  }
}

/**
 * The owner of the lock of `takeExecutorLock`. The lock is tried only if the file with the owner's id exists, so that the
 * check does not collide with a process that starts.
 */
function findOwner(dataDir: string): string | null {
  const ownerFile = join(dataDir, 'lock.pid');
  if (!existsSync(ownerFile)) return null;
  try {
    const lock = new DatabaseSync(join(dataDir, 'lock.db'), { readOnly: true, timeout: 0 });
    try {
      lock.prepare('select count(*) from sqlite_schema').get();
      return null;
    } catch (error) {
      if (resultCode(error) !== busyCode) throw error;
      return readFileSync(ownerFile, 'utf8').trim();
    } finally {
      lock.close();
    }
  } catch {
    return null; // it has just been released
  }
}

function readSchema(dataDir: string): Pick<EmbeddedFacts, 'schema' | 'stamp' | 'notReadable'> {
  const file = join(dataDir, databaseFile);
  if (!existsSync(file)) return { schema: null, stamp: null, notReadable: null };
  const known = readMigrations().at(-1)?.version ?? 0;
  try {
    const connection = new DatabaseSync(file, { readOnly: true, timeout: busyTimeoutMs });
    try {
      return { schema: schemaIn(connection, known), stamp: readOwnership(connection).stamp, notReadable: null };
    } finally {
      connection.close();
    }
  } catch (error) {
    return { schema: null, stamp: null, notReadable: reasonOf(error) };
  }
}

function schemaIn(connection: DatabaseSync, known: number): SchemaFacts {
  const columns = connection.prepare("select name from pragma_table_info('schema_migrations')").all();
  if (columns.length === 0) return { version: null, known, tooNew: false };
  // An older version made the table without `works_from`.
  const worksFrom = columns.some(({ name }) => name === 'works_from') ? 'coalesce(works_from, version)' : 'version';
  const row = connection
    .prepare(`select max(version) as version, max(version > ? and ${worksFrom} > ?) as newer from schema_migrations`)
    .get(known, known);
  return { version: row?.version == null ? null : Number(row.version), known, tooNew: row?.newer === 1 };
}
