import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/**
 * Makes a folder and those above it that are missing, one by one. Node's own `recursive` tries again for ever where a
 * file system takes no folders and says that there is none.
 *
 * @throws {Error} of the operating system
 */
export function makeFolder(path: string): void {
  if (isFolder(path)) return;
  if (existsSync(path)) throw new Error(`${path} is a file`);
  const parent = dirname(path);
  if (parent !== path) makeFolder(parent);
  try {
    mkdirSync(path);
  } catch (error) {
    if (!isFolder(path)) throw error; // another process has made it
  }
}
