import { type Finding, failed, ok, warning } from './finding.ts';

/** The free space of a disk. `filesTotal` is 0 on file systems that do not count files. */
export type DiskFacts = { folder: string; freeBytes: number; filesFree: number; filesTotal: number };

const mib = 1024 * 1024;
const gib = 1024 * mib;
const warningBytes = gib;
const failedBytes = 100 * mib;
const warningFilesShare = 0.05;

const sizeOf = (bytes: number): string =>
  bytes >= gib ? `${(bytes / gib).toFixed(1)} GiB` : `${Math.floor(bytes / mib)} MiB`;

/** Whether the disk of the embedded store has enough free space. */
export function assessDisk({ folder, freeBytes, filesFree, filesTotal }: DiskFacts): Finding {
  const details = { folder, free_bytes: freeBytes, files_free: filesFree };
  const remedy = 'Free some, give it more room, or shorten RUN_RETENTION.';
  const space = `${sizeOf(freeBytes)} free where DATA_DIR is`;
  if (freeBytes < failedBytes) return failed('disk', `Only ${space}.`, remedy, details);
  if (filesTotal > 0 && filesFree === 0) return failed('disk', `${space}, but room for no file.`, remedy, details);
  if (freeBytes < warningBytes) return warning('disk', `Only ${space}.`, remedy, details);
  if (filesTotal > 0 && filesFree < filesTotal * warningFilesShare) {
    return warning('disk', `${space}, but room for only ${filesFree} files.`, remedy, details);
  }
  return ok('disk', `${space}.`, details);
}
