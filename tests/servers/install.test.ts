import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { fetchPackages, NotFetchedError, onceIn } from './install.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'servers-'));
  folders.push(folder);
  return folder;
}

/** Fetches by a shell script in place of a package manager. */
async function fetchBy(program: string, script: string) {
  const told: string[] = [];
  const step = { what: 'fetching a server', program, args: ['-c', script], cwd: newFolder() };
  const error: unknown = await fetchPackages(step, ['-c', 'true'], (line) => told.push(line)).catch((cause) => cause);
  return { told, error };
}

test('a package that its registry does not give is an error of its own, which says what the package manager said', async () => {
  const { told, error } = await fetchBy('sh', 'echo "no such package" >&2; exit 1');
  expect(told).toEqual(['fetching a server']);
  expect(error).toBeInstanceOf(NotFetchedError);
  expect(error).toMatchObject({ message: expect.stringMatching(/^fetching a server failed:\n.*\nno such package$/) });
});

test('a package manager that is missing is not taken for a registry that gives nothing', async () => {
  const { error } = await fetchBy('no-such-package-manager', '');
  expect(error).toMatchObject({ code: 'ENOENT' });
  expect(error).not.toBeInstanceOf(NotFetchedError);
});

test('a server is installed once, and anew where its installation was interrupted', async () => {
  const folder = join(newFolder(), 'server-1.0.0');
  const interrupted = onceIn(folder, async () => {
    writeFileSync(join(folder, 'half'), '');
    throw new Error('interrupted');
  });
  await expect(interrupted).rejects.toThrow('interrupted');
  let times = 0;
  const install = async () => {
    times += 1;
    expect(existsSync(join(folder, 'half'))).toBe(false);
  };
  await onceIn(folder, install);
  await onceIn(folder, install);
  expect(times).toBe(1);
});
