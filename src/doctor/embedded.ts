import type { EmbeddedFacts } from '../storage/port/index.ts';
import { type Finding, failed, ok, skipped, warning } from './finding.ts';
import { judgeSchema } from './postgres.ts';

/** From here on the disk is felt in every step of a run. */
const slowMs = 50;

/** What the check of the file found; `unfinished`: it took too long. */
export type Integrity = { broken: string | null } | 'unfinished';

/** What is found of the embedded store, as lines of the report. */
export function judgeEmbedded(
  facts: EmbeddedFacts,
  integrity: Integrity,
  dataDir: string,
  replicas: number,
): Finding[] {
  const why = 'The embedded store needs none.';
  return [
    judgeFolder(facts, integrity, dataDir),
    facts.schema === null
      ? skipped('schema', facts.notReadable === null ? 'The first start makes it.' : 'The file cannot be read.')
      : judgeSchema(facts.schema, facts.notWritable === null),
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

function judgeFolder(facts: EmbeddedFacts, integrity: Integrity, dataDir: string): Finding {
  const { folder, notWritable, notReadable, remote, owner, syncMs } = facts;
  const tookMs = syncMs === null ? null : Math.round(syncMs * 10) / 10;
  const figures = { data_dir: dataDir, sync_ms: tookMs, owner };
  const at = `DATA_DIR ${dataDir}`;
  if (notWritable !== null) {
    const mend = 'Make it a folder of the user that runs the service, on a disk with room.';
    return failed('store', `${at} cannot be written: ${notWritable}.`, mend, figures);
  }
  const broken = notReadable ?? (integrity === 'unfinished' ? null : integrity.broken);
  if (broken !== null) {
    const mend =
      'Stop the service, keep a copy of the folder, and restore a backup or save what `sqlite3 .recover` reads.';
    return failed('store', `The file of the embedded store in ${dataDir} is broken: ${broken}.`, mend, figures);
  }
  if (remote !== null) {
    const mend = 'Use a local disk, or a Postgres by DATABASE_URL: locks of files do not hold there.';
    return warning('store', `${at} lies on ${remote}, on another machine or behind a driver.`, mend, figures);
  }
  if (integrity === 'unfinished') {
    const mend = 'Check it with the service stopped: `sqlite3 agent-service.db "pragma quick_check"`.';
    return warning('store', `The file in ${dataDir} is too large to be checked now.`, mend, figures);
  }
  if ((syncMs ?? 0) > slowMs) {
    return warning('store', `${at}: the disk takes ${tookMs} ms for a write.`, 'Use a faster disk.', figures);
  }
  if (!folder)
    return ok('store', `${at} is not there yet and can be made; the disk takes ${tookMs} ms for a write.`, figures);
  const used = owner === null ? '' : `, process ${owner} executes runs on it`;
  return ok('store', `${at} is whole, the disk takes ${tookMs} ms for a write${used}.`, figures);
}
