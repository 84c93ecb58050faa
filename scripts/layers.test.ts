import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { features, layers } from './layers.ts';

type Plant = Record<string, string>;

const packages = {
  'package.json': JSON.stringify({
    name: 'agent-service',
    type: 'module',
    exports: { '.': { 'agent-service-source': './src/index.ts', default: './dist/index.js' } },
    dependencies: { declared: '1.0.0' },
    peerDependencies: { peer: '1.0.0' },
    devDependencies: { peer: '1.0.0', 'for-work': '1.0.0' },
  }),
  ...Object.fromEntries(
    ['declared', 'peer', 'for-work', 'undeclared'].flatMap((name) => [
      [`node_modules/${name}/package.json`, JSON.stringify({ name, type: 'module', exports: './index.js' })],
      [`node_modules/${name}/index.js`, 'export const a = 1;\n'],
    ]),
  ),
};

// A small project in which every arrow points the right way.
const sound: Plant = {
  'src/index.ts': "export { a } from './main.ts';\n",
  'src/cli/main.ts':
    "export { a } from '../main.ts';\nexport * from '../index.ts';\nexport * from '../storage/sqlite/store.ts';\n",
  'src/main.ts': [
    "export { a } from './server.ts';",
    "export * from './process/store.ts';",
    "export * from './runs/execution/core.ts';",
  ].join('\n'),
  'src/process/store.ts': "export * from '../storage/sqlite/store.ts';\n",
  'src/server.ts': "export { a } from './runs/index.ts';\nexport * from './sessions/routes.ts';\n",
  'src/runs/index.ts': "export { a } from './api/routes.ts';\n",
  'src/runs/api/routes.ts': "export { a } from '../service.ts';\n",
  'src/runs/service.ts': [
    "import { a as provider } from '../providers/chain.ts';",
    "import { a as tenant } from '../tenancy/keys.ts';",
    "import { a as stored } from '../storage/port/index.ts';",
    "import type { a as peer } from 'peer';",
    "export { a } from './run-state.ts';",
    "export * from './execution/core.ts';",
  ].join('\n'),
  'src/runs/run-state.ts': "export { a } from '../platform/clock.ts';\n",
  'src/runs/execution/core.ts': "export { a } from 'declared';\n",
  'src/runs/service.test.ts':
    "import '../storage/sqlite/store.ts';\nimport '../../tests/support/help.ts';\nimport 'for-work';\n",
  'src/runs/views/view.ts': 'export const view = 1;\n',
  'src/sessions/routes.ts': "export { a } from '../runs/index.ts';\n",
  'src/providers/chain/attempt.ts': "export * from './faults/fault.ts';\n",
  'src/providers/chain/faults/fault.ts': 'export const fault = 1;\n',
  'src/providers/chain.ts': "export { a } from '../storage/port/index.ts';\n",
  'src/tenancy/keys.ts': "export { a } from '../storage/port/index.ts';\n",
  'src/storage/shared.ts': "export { a } from './port/index.ts';\n",
  'src/storage/port/index.ts': "export * from './runs.ts';\n",
  'src/storage/port/runs.ts': "export { a } from '../../platform/clock.ts';\n",
  'src/storage/sqlite/store.ts': "export { a } from '../shared.ts';\n",
  'src/storage/postgres/store.ts': "export { a } from '../shared.ts';\n",
  'src/storage/store.contract.ts': "export { a } from './port/runs.ts';\n",
  'src/platform/clock.ts': "import 'node:fs';\nexport const a = 1;\n",
  'examples/desk/main.ts': "export { a } from 'agent-service';\nexport * from './agents.ts';\n",
  'examples/desk/agents.ts': 'export const b = 1;\n',
  'examples/desk/agents.test.ts': "import '../../tests/support/help.ts';\n",
  'tests/support/help.ts': "export { a } from '../../src/runs/execution/core.ts';\n",
  'tests/e2e/all.test.ts': "import '../support/help.ts';\nimport 'agent-service';\n",
};

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** Plants the files into a folder of their own and returns what the rules find there: `rule: from → to`. */
async function violationsIn(plant: Plant): Promise<string[]> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'layers-')));
  folders.push(root);
  for (const [path, content] of Object.entries({ ...packages, ...plant })) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  const { forbidden = [], options } = layers(root);
  const { enhancedResolveOptions, ...cruiseOptions } = options ?? {};
  const { output } = await cruise(
    ['src', 'examples', 'tests'],
    { ...cruiseOptions, baseDir: root, validate: true, ruleSet: { forbidden } },
    enhancedResolveOptions,
  );
  return (output as ICruiseResult).summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`);
}

test('imports that only point downwards are fine', async () => {
  expect(await violationsIn(sound)).toEqual([]);
});

/** One wrong import: in this file, of this specifier, against this rule. */
const faults: [rule: string, file: string, specifier: string, resolved: string][] = [
  ['platform-knows-nothing', 'src/platform/clock.ts', '../storage/port/index.ts', 'src/storage/port/index.ts'],
  ['port-below-all', 'src/storage/port/runs.ts', '../../tenancy/keys.ts', 'src/tenancy/keys.ts'],
  ['engines-implement-the-port', 'src/storage/sqlite/store.ts', '../../providers/chain.ts', 'src/providers/chain.ts'],
  ['engines-apart', 'src/storage/sqlite/store.ts', '../postgres/store.ts', 'src/storage/postgres/store.ts'],
  ['engines-only-from-main', 'src/runs/service.ts', '../storage/sqlite/store.ts', 'src/storage/sqlite/store.ts'],
  ['engines-only-from-main', 'src/server.ts', './storage/postgres/store.ts', 'src/storage/postgres/store.ts'],
  ['engines-only-from-main', 'src/tenancy/keys.ts', '../storage/sqlite/store.ts', 'src/storage/sqlite/store.ts'],
  ['order-of-features-providers', 'src/providers/chain.ts', '../sessions/routes.ts', 'src/sessions/routes.ts'],
  ['order-of-features-tenancy', 'src/tenancy/keys.ts', '../providers/chain.ts', 'src/providers/chain.ts'],
  ['order-of-runs-views', 'src/runs/views/view.ts', '../execution/core.ts', 'src/runs/execution/core.ts'],
  ['order-of-runs-execution', 'src/runs/execution/core.ts', '../api/routes.ts', 'src/runs/api/routes.ts'],
  [
    'order-of-providers-chain-faults',
    'src/providers/chain/faults/fault.ts',
    '../attempt.ts',
    'src/providers/chain/attempt.ts',
  ],
  ['features-below-server', 'src/sessions/routes.ts', '../server.ts', 'src/server.ts'],
  ['features-below-server', 'src/runs/run-state.ts', '../main.ts', 'src/main.ts'],
  ['features-below-server', 'src/runs/service.ts', '../process/store.ts', 'src/process/store.ts'],
  ['server-below-main', 'src/server.ts', './main.ts', 'src/main.ts'],
  ['server-below-main', 'src/server.ts', './process/store.ts', 'src/process/store.ts'],
  ['main-below-cli', 'src/main.ts', './cli/main.ts', 'src/cli/main.ts'],
  ['index-beside-cli', 'src/index.ts', './cli/main.ts', 'src/cli/main.ts'],
  ['index-is-for-users', 'src/providers/chain.ts', '../index.ts', 'src/index.ts'],
  ['routes-on-top-of-their-feature', 'src/runs/service.ts', './api/routes.ts', 'src/runs/api/routes.ts'],
  ['routes-on-top-of-their-feature', 'src/runs/service.ts', '../sessions/routes.ts', 'src/sessions/routes.ts'],
  ['service-above-the-core', 'src/runs/run-state.ts', './service.ts', 'src/runs/service.ts'],
  ['service-above-the-core', 'src/runs/execution/core.ts', '../service.ts', 'src/runs/service.ts'],
  ['pure-core-is-pure', 'src/runs/run-state.ts', 'node:fs', 'fs'],
  ['pure-core-is-pure', 'src/runs/run-state.ts', 'declared', 'node_modules/declared/index.js'],
  ['source-without-tests', 'src/runs/service.ts', '../../tests/support/help.ts', 'tests/support/help.ts'],
  ['source-without-tests', 'src/main.ts', '../examples/desk/agents.ts', 'examples/desk/agents.ts'],
  ['source-without-tests', 'src/main.ts', './storage/store.contract.ts', 'src/storage/store.contract.ts'],
  ['tests-alone', 'tests/support/help.ts', '../../src/runs/service.test.ts', 'src/runs/service.test.ts'],
  ['tests-alone', 'src/main.ts', './runs/service.test.ts', 'src/runs/service.test.ts'],
  ['examples-are-users', 'examples/desk/agents.ts', '../../src/index.ts', 'src/index.ts'],
  ['examples-are-users', 'examples/desk/agents.ts', '../../src/platform/clock.ts', 'src/platform/clock.ts'],
  ['source-is-no-user', 'src/cli/main.ts', 'agent-service', 'src/index.ts'],
  ['resolvable', 'src/runs/service.ts', './nowhere.ts', './nowhere.ts'],
  ['resolvable', 'tests/support/help.ts', 'no-such-package', 'no-such-package'],
  ['declared-packages', 'src/runs/service.ts', 'undeclared', 'node_modules/undeclared/index.js'],
  ['no-dev-packages-in-source', 'src/runs/service.ts', 'for-work', 'node_modules/for-work/index.js'],
  ['door-of-storage-port', 'src/runs/service.ts', '../storage/port/runs.ts', 'src/storage/port/runs.ts'],
  ['door-of-runs', 'src/sessions/routes.ts', '../runs/execution/core.ts', 'src/runs/execution/core.ts'],
];

let found: string[] = [];
beforeAll(async () => {
  const plant = { ...sound };
  faults.forEach(([, file, specifier], number) => {
    plant[file] += `\nexport * as fault${number} from '${specifier}';\n`;
  });
  found = await violationsIn(plant);
});

test.each(faults)('rule %s: %s may not import %s', (rule, file, _specifier, resolved) => {
  expect(found).toContain(`${rule}: ${file} → ${resolved}`);
});

test('a wrong import is one also when it is of types only, or dynamic', async () => {
  const fault = (code: string) => violationsIn({ ...sound, 'src/platform/clock.ts': `${code}\nexport const a = 1;\n` });
  const expected = 'platform-knows-nothing: src/platform/clock.ts → src/tenancy/keys.ts';
  expect(await fault("import type { a as b } from '../tenancy/keys.ts'; export type B = typeof b;")).toContain(
    expected,
  );
  expect(await fault("export type B = typeof import('../tenancy/keys.ts').a;")).toContain(expected);
  expect(await fault("export const b = import('../tenancy/keys.ts');")).toContain(expected);
});

test('files that need each other are found, also when only their types do', async () => {
  const cycle = (importing: string) =>
    violationsIn({
      ...sound,
      'src/runs/one.ts': `${importing} { two } from './two.ts';\nexport type One = typeof two;\n`,
      'src/runs/two.ts': "import { type One } from './one.ts';\nexport const two = 1;\nexport type Two = One;\n",
    });
  const expected = 'no-cycles: src/runs/one.ts → src/runs/two.ts';
  expect(await cycle('import')).toContain(expected);
  expect(await cycle('import type')).toContain(expected);
});

test('every rule is broken by some test here', () => {
  const folder = join(import.meta.dirname, '..');
  const names = (layers(folder).forbidden ?? []).map(({ name }) => name ?? '');
  const broken = new Set([...faults.map(([rule]) => rule), 'no-cycles']);
  expect(names.filter((name) => !broken.has(name) && !/^(door|order)-of-/.test(name))).toEqual([]);
});

test('every file and room of src/runs has a place in the order', () => {
  const places = (layers(join(import.meta.dirname, '..')).forbidden ?? [])
    .filter(({ name }) => name?.startsWith('order-of-runs-'))
    .flatMap((rule) => [rule.from.path, 'to' in rule ? rule.to.path : []].flat() as string[]);
  const entries = readdirSync(join(import.meta.dirname, '../src/runs'), { withFileTypes: true })
    .filter(({ name }) => !name.endsWith('.test.ts'))
    .map((entry) => `src/runs/${entry.name}${entry.isDirectory() ? '/' : ''}`);
  expect(entries.filter((entry) => !places.some((place) => new RegExp(place).test(entry)))).toEqual([]);
});

test('every folder of src has a place in the order', () => {
  const folders = readdirSync(join(import.meta.dirname, '../src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  expect(folders.sort()).toEqual([...features, 'cli', 'platform', 'process', 'storage'].sort());
});
