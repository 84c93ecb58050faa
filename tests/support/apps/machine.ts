/**
 * Preloaded into a service (`node --import`), it has a machine of its own: `BOOT_ID` is what its kernel says of this life,
 * and once there is a file `DISK_HANGS` its disk takes what is written, but never says that it has it.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { BOOT_ID = '', DISK_HANGS = '' } = process.env;
const { readFileSync, fdatasync, existsSync } = fs;

fs.readFileSync = ((file: string, ...rest: []) =>
  file === '/proc/sys/kernel/random/boot_id' ? `${BOOT_ID}\n` : readFileSync(file, ...rest)) as typeof readFileSync;
fs.fdatasync = ((descriptor: number, done: fs.NoParamCallback) => {
  if (!existsSync(DISK_HANGS)) fdatasync(descriptor, done);
}) as typeof fdatasync;
syncBuiltinESMExports();
