import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { stringify } from 'yaml';

/** Where promtool is installed; null where it is not. */
export function findPromtool(): string | null {
  const isProgram = (path: string) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  };
  return (
    (process.env.PATH ?? '')
      .split(delimiter)
      .map((folder) => join(folder, 'promtool'))
      .find(isProgram) ?? null
  );
}

/** What promtool said. */
export type PromtoolAnswer = { status: number | null; output: string };

/** Runs promtool with files of these contents, by their names, as YAML. */
export function promtool(program: string, args: readonly string[], files: Record<string, unknown>): PromtoolAnswer {
  const folder = mkdtempSync(join(tmpdir(), 'promtool-'));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), stringify(content));
    const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: folder, encoding: 'utf8' });
    if (error) throw error;
    return { status, output: stdout + stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
