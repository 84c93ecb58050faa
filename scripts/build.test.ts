import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runProgram } from '../tests/support/child-processes.ts';

const root = join(import.meta.dirname, '..');

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

const small: Record<string, string> = {
  'src/index.ts': "export { greet } from './hello/greet.ts';\n",
  'src/hello/greet.ts': "export type Name = string;\nexport const greet = (name: Name) => 'Hello ' + name;\n",
  'src/hello/greet.test.ts': 'export {};\n',
  'src/hello/greet.contract.ts': 'export {};\n',
  'src/hello/migrations/001-initial.sql': 'select 1;\n',
  'src/hello/notes.md': 'Not for users.\n',
  'examples/desk/main.ts': "import { greet } from 'agent-service';\nconsole.log(greet('you'));\n",
  'examples/desk/main.test.ts': 'export {};\n',
  'examples/desk/README.md': 'A desk.\n',
  'examples/desk/data/orders.json': '[]\n',
  'dist/left-over.js': '',
};

/** A small project that is built as this one is. */
async function createProject(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'build-'));
  folders.push(folder);
  const shared = ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'tsconfig.examples.json', 'scripts/build.ts'];
  for (const path of shared) await cp(join(root, path), join(folder, path), { recursive: true });
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
}

/** The files below dist/, without maps. */
async function builtFiles(folder: string): Promise<string[]> {
  const entries = await readdir(join(folder, 'dist'), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.map'))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

describe('a build', () => {
  let folder = '';
  let stdout = '';
  beforeAll(async () => {
    folder = await createProject(small);
    ({ stdout } = await runProgram(process.execPath, [join(folder, 'scripts/build.ts')]));
  });

  test('holds the package, its SQL and the examples, and nothing that is for tests or was there before', async () => {
    expect(stdout).toMatch(/^built dist\/ in \d+\.\d s\n$/);
    expect(await builtFiles(folder)).toEqual([
      'dist/examples/desk/README.md',
      'dist/examples/desk/data/orders.json',
      'dist/examples/desk/main.js',
      'dist/hello/greet.d.ts',
      'dist/hello/greet.js',
      'dist/hello/migrations/001-initial.sql',
      'dist/index.d.ts',
      'dist/index.js',
    ]);
  });

  test('has examples that run against the built package, by its name', async () => {
    await rm(join(folder, 'src'), { recursive: true });
    const example = await runProgram(process.execPath, [join(folder, 'dist/examples/desk/main.js')]);
    expect(example.stdout).toBe('Hello you\n');
  });
});

test('an example that uses what the package does not export fails the build', async () => {
  const folder = await createProject({
    ...small,
    'examples/desk/main.ts': "import { leave } from 'agent-service';\nleave();\n",
  });
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'scripts/build.ts')], {
    encoding: 'utf8',
  });
  expect(status).toBe(1);
  expect(stdout).toContain("has no exported member 'leave'");
  expect(stderr).toBe('build failed: tsconfig.examples.json does not compile\n');
});

test('a mistake in the source fails the build before anything else is made', async () => {
  const folder = await createProject({ ...small, 'src/index.ts': "export const a: number = 'one';\n" });
  const { status, stderr } = spawnSync(process.execPath, [join(folder, 'scripts/build.ts')], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 1, stderr: 'build failed: tsconfig.build.json does not compile\n' });
  expect(existsSync(join(folder, 'dist/examples'))).toBe(false);
});
