import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'vitest';

/** Where a program is installed; null where it is not. Debian puts some where only root looks. */
export function findProgram(name: string): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  const isProgram = (path: string) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  };
  return folders.map((folder) => join(folder, name)).find(isProgram) ?? null;
}

/** A program that a test needs; without it the test fails in CI, and elsewhere is skipped and says how to install it. */
export function needProgram({ skip }: TestContext, name: string, install: string): string {
  const program = findProgram(name);
  if (program !== null) return program;
  const how = `${name} is missing: install it (${install})`;
  if (process.env.CI) throw new Error(how);
  return skip(how);
}
