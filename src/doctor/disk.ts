import { type Finding, failed, ok, warning } from './finding.ts';

/** What is left of a disk. `filesTotal` is 0 where files are not counted. */
export type DiskFacts = { folder: string; freeBytes: number; filesFree: number; filesTotal: number };

const mib = 1024 * 1024;
const gib = 1024 * mib;
const littleBytes = gib;
const tooLittleBytes = 100 * mib;
const littleFiles = 0.05;

const sizeOf = (bytes: number): string =>
  bytes >= gib ? `${(bytes / gib).toFixed(1)} GiB` : `${Math.floor(bytes / mib)} MiB`;

/** Whether the disk of the embedded store has room. */
export function judgeDisk({ folder, freeBytes, filesFree, filesTotal }: DiskFacts): Finding {
  const figures = { folder, free_bytes: freeBytes, files_free: filesFree };
  const mend = 'Free some, give it more room, or shorten RUN_RETENTION.';
  const space = `${sizeOf(freeBytes)} free where DATA_DIR is`;
  if (freeBytes < tooLittleBytes) return failed('disk', `Only ${space}.`, mend, figures);
  if (filesTotal > 0 && filesFree === 0) return failed('disk', `${space}, but room for no file.`, mend, figures);
  if (freeBytes < littleBytes) return warning('disk', `Only ${space}.`, mend, figures);
  if (filesTotal > 0 && filesFree < filesTotal * littleFiles) {
    return warning('disk', `${space}, but room for only ${filesFree} files.`, mend, figures);
  }
  return ok('disk', `${space}.`, figures);
}
