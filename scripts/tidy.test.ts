import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generatedFiles } from './generate.ts';
import { type Finding, readProject } from './tidy/project.ts';
import { tidy } from './tidy.ts';

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** Plants the files, and current generated ones, into a git work tree of their own. */
async function plantProject(files: Record<string, string>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'tidy-'));
  folders.push(root);
  const generated = Object.fromEntries(generatedFiles().map(({ path, content }) => [path, content]));
  for (const [path, content] of Object.entries({ ...generated, ...files })) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  execFileSync('git', ['init', '--quiet'], { cwd: root });
  return root;
}
const findingsIn = async (files: Record<string, string>): Promise<Finding[]> =>
  tidy(readProject(await plantProject(files)));

// Words that the rules look for in every file, this one included, are put together.
const later = ['TO', 'DO'].join('');
const host = ['registry', 'npmjs', 'org'].join('.');
const machineFolder = ['', 'work', ''].join('/');
const homeFolder = ['', 'home', 'me', ''].join('/');
const lines = (count: number) => '\n'.repeat(count - 1);

/** Nothing to find here, though much of it looks like a fault at first sight. */
const sound: Record<string, string> = {
  'package.json': '{ "scripts": { "tool": "node scripts/tool.ts" } }\n',
  'package-lock.json': '{ "packages": { "node_modules/a": { "version": "1.0.0", "resolved": false } } }\n',
  '.gitignore': 'ignored/\n',
  'ignored/notes.md': `${later}\n`,
  'README.md': 'See https://example.com/work/it and ./work/it and {root}/home/me/.\n',
  'src/index.ts': "export { part } from './part.ts';\n",
  'src/process/environment.ts':
    '/** Read once. */\nexport const read = () => ({ ...process.env });\nconst { env } = process;\nenv.A = process.env.B;\n',
  'src/main.ts': "export { read } from './process/environment.ts';\nexport { start } from './cli/start.ts';\n",
  'src/cli/start.ts': '/** Starts. */\nexport const start = () => process.env.PORT;\n',
  'src/part.ts': `
    const names = new Set(['a']);
    const table = { process: { env: 1 } };
    /** Documented. */
    export const part = () => { let count = names.size; count += table.process.env; return new Map([[count, 1]]); };
    /**
     * Documented once for both.
     */
    export function over(a: string): void;
    export function over(a: number): void;
    export function over(_a: unknown): void {}
    /** Documented. */
    // A remark for readers of the code.
    export type Part = typeof part;
    new Worker(new URL('./worker.ts', import.meta.url));
  `,
  'src/worker.ts': 'const own = 1;\nown.toFixed();\n',
  'src/part.contract.ts': "export const contract = () => { test('contract', () => { expect(1).toBe(1); }); };\n",
  'src/part.test.ts': `
    import { contract } from './part.contract.ts';
    contract();
    test('one', () => { expect(delay).toBeLessThan(3); });
    test.each([1])('two %s', (n) => { fc.assert(n); });
    describe('group', () => { test('one', { timeout: 1 }, async () => { await holds(); }, 10); });
    const holds = () => inner();
    function inner() { expectTypeOf(1).toBeNumber(); }
    // Postgres has no such thing.
    test.skip('left out for a reason', () => { expect(1).toBe(1); });
    test.skipIf(process.env.CI)('left out for another', () => { expect(1).toBe(1); }); // no terminal there
    test('three', () => expect(run.timings.total_ms).toBeGreaterThan(0));
    // tidy: sleep because the clock itself is what is tested
    test('four', async () => { await systemClock.sleep(1); expect(1).toBe(1); });
    import { type ChildProcess, spawnSync } from 'node:child_process';
    test('five', holds);
    expect(items.only).toBe(fake.skip);
  `,
  'tests/support/fake-provider/slow.ts': 'setTimeout(() => {}, 1000 - performance.now());\n',
  'tests/e2e/all.test.ts':
    "import '../support/fake-provider/slow.ts';\nconst child = fork(join(here, '../support/child.ts'));\n",
  'tests/support/child.ts': 'const a = process.env.A;\n',
  'examples/desk/main.ts': 'export const example = 1;\n',
  'scripts/tool.ts': `console.log(1);\n${lines(400)}`,
  'src/cli/main.ts': `// tidy: long because it is a table\n${lines(500)}`,
  'docs/long.md': lines(1000),
};

const inTest = (body: string) => `test('fault', async () => {\n${body}\nexpect(1).toBe(1); });\n`;

/** One fault a file: which rule finds it, in which line, and how the message begins. */
const faults: [rule: string, path: string, content: string, line: number, message: string][] = [
  ['sleep', 'src/s1.test.ts', inTest('await sleep(3);').replace('fault', 's1'), 2, 'sleep(): wait for a signal'],
  ['sleep', 'tests/s2.ts', 'await clock.sleep(3);', 1, 'sleep(): wait for a signal'],
  ['sleep', 'tests/s3.ts', 'await new Promise((resolve) =>\nsetTimeout(resolve, 3));', 2, 'setTimeout(): wait'],
  ['sleep', 'tests/s4.ts', "import { setTimeout as wait } from 'node:timers/promises';", 1, 'timers: wait'],
  ['sleep', 'tests/s5.ts', '\nAtomics.wait(cell, 0, 0, 100);', 2, 'wait for a signal'],
  ['sleep', 'tests/s6.ts', '// tidy: sleep because\nawait sleep(3);', 2, 'sleep(): wait for a signal'],
  ['timed', 'tests/t1.ts', '\nconst a = performance.now();', 2, 'performance.now in a test'],
  ['timed', 'tests/t2.ts', 'const a = { at: Date.now() };', 1, 'Date.now in a test'],
  ['timed', 'tests/t3.ts', 'const a = process.hrtime.bigint();', 1, 'process.hrtime.bigint in a test'],
  ['timed', 'tests/t4.ts', 'expect(end - begin.elapsedMs).toBeLessThan(50);', 1, 'an upper bound on a duration'],
  ['timed', 'tests/t5.ts', 'expect(run.timings.total_ms).not.toBeLessThanOrEqual(50);', 1, 'an upper bound'],
  ['process', 'tests/p1.ts', "\nimport { spawn } from 'node:child_process';", 2, 'spawn: start processes by'],
  ['process', 'src/p2.test.ts', "import { execFile as run } from 'child_process';", 1, 'execFile: start processes by'],
  ['skipped', 'src/k1.test.ts', inTest('').replace("test('fault'", "test.only('k1'"), 1, '.only leaves all other'],
  ['skipped', 'src/k2.test.ts', "\ntest.skip('k2', () => { expect(1).toBe(1); });", 2, '.skip without a reason'],
  ['skipped', 'src/k3.test.ts', "describe.skipIf(x)('k3', () => {});", 1, '.skipIf without a reason'],
  ['skipped', 'src/k4.test.ts', "it.todo('k4');", 1, '.todo without a reason'],
  ['skipped', 'src/k5.test.ts', "describe.only.each([1])('k5', () => {});", 1, '.only leaves all other'],
  [
    'duplicate-test',
    'src/u1.test.ts',
    "\ntest('one', () => expect(1));",
    2,
    '"one" is also the name of src/part.test.ts:4',
  ],
  [
    'duplicate-test',
    'src/u2.test.ts',
    "describe('group', () => { it('one', () => expect(1)); });",
    1,
    '"group > one" is also the name of src/part.test.ts:6',
  ],
  ['no-assertion', 'src/a1.test.ts', "\n\ntest('a1', () => { run(); });", 3, '"a1" asserts nothing'],
  ['no-assertion', 'src/a2.test.ts', "const go = () => run();\nit('a2', go);", 2, '"a2" asserts nothing'],
  ['no-assertion', 'src/a3.test.ts', "test.each([1])('a3', () => {}, 5);", 1, '"a3" asserts nothing'],
  ['undocumented', 'src/part.ts', '\nexport function bare() {}', 2, 'export "bare" has no docstring'],
  ['undocumented', 'src/part.ts', '/* no */ export const bare = 1;', 1, 'export "bare" has no docstring'],
  ['undocumented', 'src/part.ts', '/** Far away. */\n\nexport type Bare = 1;', 3, 'export "Bare" has no docstring'],
  ['undocumented', 'src/part.ts', '/** */\nexport interface Bare {}', 2, 'export "Bare" has no docstring'],
  ['undocumented', 'src/part.ts', '/**/\nexport class Bare {}', 2, 'export "Bare" has no docstring'],
  ['undocumented', 'src/part.ts', '/** One. */\nexport type A = 1;\nexport type B = 1;', 3, 'export "B" has no'],
  ['module-state', 'src/part.ts', '\nlet count = 0;', 2, '"count" is state of a module'],
  ['module-state', 'src/part.ts', 'var count = 0;', 1, '"count" is state of a module'],
  ['module-state', 'src/part.ts', 'const cache = new Map<string, number>();', 1, '"cache" is state of a module'],
  ['module-state', 'src/part.ts', 'const queue: number[] = [];', 1, '"queue" is state of a module'],
  ['environment', 'src/part.ts', '\nconst port = process.env.PORT;', 2, 'process.env is read by src/process'],
  ['environment', 'src/part.ts', 'const { env } = process;', 1, 'process.env is read by src/process'],
  ['environment', 'src/part.ts', "import { env as e } from 'node:process';", 1, 'process.env is read by src/process'],
  [
    'environment',
    'examples/desk/main.ts',
    'export const a = process.env["A"];',
    1,
    'process.env is read by src/process',
  ],
  ['console', 'src/cli/start.ts', '\nconsole.info(1);', 2, 'console.info: use the logger'],
  ['long-function', 'src/part.ts', `\nconst long = () => {${lines(61)}};`, 2, 'a function of 61 lines, 60 at most'],
  ['dead', 'src/lonely.ts', 'const a = 1;', 1, 'nothing uses this file'],
  ['dead', 'scripts/lonely.ts', "import './lonely.ts';", 1, 'nothing uses this file'],
  ['dead', 'src/tested.ts', 'const a = 1;', 1, 'only tests use this file'],
  ['long', 'src/part.ts', lines(402), 401, '401 lines, 400 at most'],
  ['leftover', 'docs/plan.md', `Some day.\n${later}: write`, 2, `"${later}": do it now`],
  ['registry-host', '.ci/run', `\nnpm ci --registry https://${host}/`, 2, `"${host}": the project does not name`],
  ['machine-path', 'docs/setup.md', `Go to ${machineFolder}src`, 1, `"${machineFolder}" is a path of one machine`],
  ['machine-path', 'src/part.ts', `const home = '${homeFolder}x';`, 1, `"${homeFolder}" is a path`],
  ['lock-address', 'package-lock.json', `{\n"resolved": "https://${host}/a.tgz" }`, 2, 'a download address'],
  ['stale', 'docs/errors.md', 'by hand', 1, 'not what its generator makes'],
];

/** Faults that stand in a file of the sound project are planted instead of that file, one at a time. */
const replacing = faults.filter(([, path]) => path in sound || path === 'docs/errors.md');
const standing = faults.filter((fault) => !replacing.includes(fault));

const found = new Map<(typeof faults)[number], Finding[]>();
beforeAll(async () => {
  const useTested = { 'src/tested.test.ts': "import './tested.ts';\n" };
  const together = await findingsIn({
    ...sound,
    ...useTested,
    ...Object.fromEntries(standing.map(([, path, content]) => [path, content])),
  });
  for (const fault of standing) found.set(fault, together);
  for (const fault of replacing) found.set(fault, await findingsIn({ ...sound, [fault[1]]: fault[2] }));
});

test('a sound project has no findings', async () => {
  expect(await findingsIn(sound)).toEqual([]);
});

test.each(
  faults.map((fault) => ({ rule: fault[0], fault: fault[2].trim().split('\n').at(-1)?.slice(0, 60), is: fault })),
)('tidy finds by the rule $rule: $fault', ({ is: fault }) => {
  const [rule, path, , line, message] = fault;
  const same = found.get(fault)?.filter((each) => each.path === path && each.rule === rule && each.line === line);
  expect(same?.map((each) => each.message.slice(0, message.length))).toEqual([message]);
});

test('tidy prints each finding with its place and ends with 1, or says that there is none', async () => {
  const script = join(import.meta.dirname, 'tidy.ts');
  const run = (root: string) => spawnSync(process.execPath, [script, root], { encoding: 'utf8' });
  const count = readProject(await plantProject(sound)).files.length;
  expect(run(await plantProject(sound))).toMatchObject({ status: 0, stdout: `tidy: ${count} files, 0 findings\n` });

  const faulty = run(await plantProject({ ...sound, 'src/lonely.ts': '' }));
  expect(faulty.status).toBe(1);
  expect(faulty.stdout.split('\n')).toEqual([
    'src/lonely.ts:1  dead: nothing uses this file: delete it, or import it where it belongs',
    `tidy: ${count + 1} files, 1 findings`,
    '',
  ]);
});
