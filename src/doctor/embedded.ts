import type { EmbeddedFacts } from '../storage/port/index.ts';
import { type Finding, failed, ok, skipped, warning } from './finding.ts';
import { assessSchema } from './postgres.ts';

/** From this latency on, the disk slows down every step of a run. */
const slowMs = 50;

/** The result of the integrity check of the file; `unfinished` if it took too long. */
export type Integrity = { broken: string | null } | 'unfinished';

/** The findings about the embedded store. */
export function assessEmbedded(
  facts: EmbeddedFacts,
  integrity: Integrity,
  dataDir: string,
  replicas: number,
): Finding[] {
  const why = 'The embedded store needs none.';
  return [
    assessFolder(facts, integrity, dataDir),
    facts.schema === null
      ? skipped('schema', facts.notReadable === null ? 'The first start makes it.' : 'The file cannot be read.')
      : assessSchema(facts.schema, facts.notWritable === null),
    skipped('pooler', why),
    replicas > 1
      ? failed(
          'connections',
          `The embedded store serves one process, not ${replicas}.`,
          'Set DATABASE_URL to a Postgres database.',
          { replicas },
        )
      : skipped('connections', why),
  ];
}

function assessFolder(facts: EmbeddedFacts, integrity: Integrity, dataDir: string): Finding {
  const { folder, notWritable, notReadable, remote, owner, syncMs } = facts;
  const tookMs = syncMs === null ? null : Math.round(syncMs * 10) / 10;
  const details = { data_dir: dataDir, sync_ms: tookMs, owner };
  const at = `DATA_DIR ${dataDir}`;
  if (notWritable !== null) {
    const remedy = 'Make it a folder of the user that runs the service, on a disk with room.';
    return failed('store', `${at} cannot be written: ${notWritable}.`, remedy, details);
  }
  const broken = notReadable ?? (integrity === 'unfinished' ? null : integrity.broken);
  if (broken !== null) {
    const remedy =
      'Stop the service, keep a copy of the folder, and restore a backup or save what `sqlite3 .recover` reads.';
    return failed('store', `The file of the embedded store in ${dataDir} is broken: ${broken}.`, remedy, details);
  }
  if (remote !== null) {
    const remedy = 'Use a local disk, or a Postgres by DATABASE_URL: locks of files do not hold there.';
    return warning('store', `${at} lies on ${remote}, on another machine or behind a driver.`, remedy, details);
  }
  if (integrity === 'unfinished') {
    const remedy = 'Check it with the service stopped: `sqlite3 agent-service.db "pragma quick_check"`.';
    return warning('store', `The file in ${dataDir} is too large to be checked now.`, remedy, details);
  }
  if ((syncMs ?? 0) > slowMs) {
    return warning('store', `${at}: the disk takes ${tookMs} ms for a write.`, 'Use a faster disk.', details);
  }
  if (!folder)
    return ok('store', `${at} is not there yet and can be made; the disk takes ${tookMs} ms for a write.`, details);
  const used = owner === null ? '' : `, process ${owner} executes runs on it`;
  return ok('store', `${at} is whole, the disk takes ${tookMs} ms for a write${used}.`, details);
}
