import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { IConfiguration, IForbiddenRuleType } from 'dependency-cruiser';

// The layers, from the top: an import may only point downwards.
//   cli, index  →  main (src/main.ts and src/process)  →  server  →  features  →  storage/port  →  platform
// Inside a feature: routes → service → everything else. Features have an order of their own, and so have the rooms of a
// large feature: see `features` and `rooms`.
const cli = '^src/cli/';
const index = '^src/index\\.ts$';
const main = '^src/(main\\.ts$|process/)';
const server = '^src/server\\.ts$';
const port = '^src/storage/port/';
const engines = '^src/storage/(?!port/)';
const platform = '^src/platform/';

/** The features, the lowest first: a feature may import the ones before it. */
export const features = [
  'tenancy',
  'agents',
  'providers',
  'budgets',
  'keys',
  'access',
  'runs',
  'sessions',
  'webhooks',
  'retention',
  'health',
  'doctor',
];
const feature = `^src/(${features.join('|')})/`;

/** The rooms of the large features, the lowest first: a room may import the ones before it. */
const rooms: Record<string, readonly string[]> = {
  runs: [
    '(run-state|run-options|agent-mistakes|run-failure|failpoints|tool-arguments|arrivals|overdue)\\.ts$',
    '(input|tool-outputs)/',
    'views/',
    'events/',
    'active-runs\\.ts$',
    'admission/',
    'metrics\\.ts$',
    'conversation/',
    'approvals/',
    'recovery/',
    'execution/',
    '(service|run-creation|run-waiter|run-control|run-reader|run-request|new-run|attempt-starter|idempotency-fingerprint)\\.ts$',
    'api/',
    'wire\\.ts$',
    'index\\.ts$',
  ],
  'providers/chain': ['faults/', 'deployments/', '(breakers|limits)/', '[^/]+\\.ts$'],
};

const routes = '^src/.*([/-]routes|/wire)\\.ts$';

/** Tests may reach for whatever they test or need. */
const forTests = '\\.(test|contract)\\.ts$';
const notSource = '^(tests|examples|scripts|bench)/';

const layer = (name: string, from: string, to: string[], comment: string): IForbiddenRuleType => ({
  name,
  severity: 'error',
  comment,
  from: { path: from, pathNot: forTests },
  to: { path: to },
});

const arrows: IForbiddenRuleType[] = [
  layer('platform-knows-nothing', platform, ['^src/(?!platform/)'], 'The platform imports nothing else of ours.'),
  layer('port-below-all', port, ['^src/(?!platform/|storage/port/)'], 'The store port stands on the platform only.'),
  layer(
    'engines-implement-the-port',
    engines,
    ['^src/(?!platform/|storage/)'],
    'A store engine knows the port and the platform, not who uses it.',
  ),
  {
    name: 'engines-apart',
    severity: 'error',
    comment: 'One store engine does not know the other; what they share stands in storage itself.',
    from: { path: '^src/storage/(sqlite|postgres)/', pathNot: forTests },
    to: { path: '^src/storage/(sqlite|postgres)/', pathNot: '^src/storage/$1/' },
  },
  {
    name: 'engines-only-from-main',
    severity: 'error',
    comment: 'Only the composition root (main, cli) chooses a store engine; everybody else sees storage/port.',
    from: { path: '^src/', pathNot: [main, cli, '^src/storage/', forTests] },
    to: { path: engines },
  },
  layer('features-below-server', feature, [server, main, cli, index], 'A feature does not know who serves it.'),
  layer('server-below-main', server, [main, cli, index], 'The server does not know which process it is in.'),
  layer('main-below-cli', main, [cli, index], 'The process does not know which command started it.'),
  layer('index-beside-cli', index, [cli], 'The library does not need the command line.'),
  {
    name: 'index-is-for-users',
    severity: 'error',
    comment: 'src/index.ts is what users import; inside, import the part itself.',
    from: { path: '^src/', pathNot: [cli, forTests] },
    to: { path: index },
  },
  {
    name: 'routes-on-top-of-their-feature',
    severity: 'error',
    comment: 'Nothing inside a feature stands on its routes; its index.ts may hand them to the server.',
    from: { path: '^src/([^/]+)/', pathNot: [forTests, cli, main, server, '/index\\.ts$', routes] },
    to: { path: routes },
  },
  {
    name: 'service-above-the-core',
    severity: 'error',
    comment: 'Inside a feature only routes and services stand on a service; the rest decides and knows nobody.',
    from: { path: '^src/([^/]+)/', pathNot: [forTests, cli, '/(index|wire)\\.ts$', routes, '[/-]service\\.ts$'] },
    to: { path: ['^src/$1/service\\.ts$', '^src/$1/.*[/-]service\\.ts$'] },
  },
  {
    name: 'pure-core-is-pure',
    severity: 'error',
    comment: 'A *-state.ts or *-policy.ts file decides from what it is given: it may not reach for packages or Node.',
    from: { path: '^src/.*-(state|policy)\\.ts$' },
    to: { dependencyTypes: ['npm', 'npm-dev', 'npm-peer', 'npm-optional', 'npm-no-pkg', 'core'] },
  },
];

/** One rule a place: it may not import the places after it. */
function inOrder(name: string, places: readonly { name: string; path: string }[]): IForbiddenRuleType[] {
  return places.slice(0, -1).map((place, number) => ({
    name: `order-of-${name}-${place.name}`,
    severity: 'error',
    comment: `${place.name} stands below what it imports here: see the orders in scripts/layers.ts.`,
    from: { path: place.path, pathNot: forTests },
    to: { path: places.slice(number + 1).map(({ path }) => path) },
  }));
}

const orders: IForbiddenRuleType[] = [
  ...inOrder(
    'features',
    features.map((name) => ({ name, path: `^src/${name}/` })),
  ),
  ...Object.entries(rooms).flatMap(([folder, places]) =>
    inOrder(
      folder.replaceAll('/', '-'),
      places.map((path) => ({ name: path.replaceAll(/[^a-z|-]|ts\$/g, ''), path: `^src/${folder}/${path}` })),
    ),
  ),
];

const hygiene: IForbiddenRuleType[] = [
  {
    name: 'no-cycles',
    severity: 'error',
    comment: 'Two files that need each other are one, or lack a third; imports of types count.',
    from: {},
    to: { circular: true },
  },
  {
    name: 'source-without-tests',
    severity: 'error',
    comment: 'What is shipped imports no test, example or script.',
    from: { path: '^src/', pathNot: forTests },
    to: { path: [notSource, forTests] },
  },
  {
    name: 'tests-alone',
    severity: 'error',
    comment: 'Nobody imports a *.test.ts; what tests share stands in tests/support or in a *.contract.ts.',
    from: {},
    to: { path: '\\.test\\.ts$' },
  },
  {
    name: 'examples-are-users',
    severity: 'error',
    comment: 'An example imports agent-service by its name, as its readers will.',
    from: { path: '^examples/', pathNot: forTests },
    to: { path: '^(src|tests|scripts|bench)/', dependencyTypes: ['local'] },
  },
  {
    name: 'source-is-no-user',
    severity: 'error',
    comment: 'Inside src, import files by their path: the name stands for what is published.',
    from: { path: '^src/', pathNot: forTests },
    to: { path: '^src/', dependencyTypesNot: ['local'] },
  },
  {
    name: 'resolvable',
    severity: 'error',
    comment: 'An import that leads nowhere.',
    from: {},
    to: { couldNotResolve: true },
  },
  {
    name: 'declared-packages',
    severity: 'error',
    comment: 'A package must be in package.json to be imported.',
    from: { path: '^(src|examples|tests|scripts|bench)/' },
    to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
  },
  {
    name: 'no-dev-packages-in-source',
    severity: 'error',
    comment: 'Users do not get devDependencies; types count, since they end in the published declarations.',
    from: { path: '^src/', pathNot: forTests },
    to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm-peer', 'npm'] },
  },
];

/** Folders below src, as paths with slashes, that have an index.ts. */
function foldersWithDoor(root: string): string[] {
  return readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name === 'index.ts')
    .map((entry) => entry.parentPath.slice(root.length + 1).replaceAll('\\', '/'))
    .filter((folder) => folder !== 'src')
    .sort();
}

/** One rule a folder that has an index.ts: nothing reaches past it from outside, except main and tests. */
const door = (folder: string): IForbiddenRuleType => ({
  name: `door-of-${folder.slice('src/'.length).replaceAll('/', '-')}`,
  severity: 'error',
  comment: `${folder}/index.ts is the door of its folder: import that from outside.`,
  from: { path: '^(src|examples|scripts|bench)/', pathNot: [`^${folder}/`, main, forTests] },
  to: { path: `^${folder}/`, pathNot: `^${folder}/index\\.ts$` },
});

/**
 * The rules about who may import whom, for dependency-cruiser. `scripts/layers.test.ts` shows that each one bites.
 *
 * @param root the absolute path of the project: its folders that have an index.ts get a rule each
 */
export function layers(root: string): IConfiguration {
  return {
    forbidden: [...arrows, ...orders, ...hygiene, ...foldersWithDoor(root).map(door)],
    options: {
      doNotFollow: { path: 'node_modules' },
      exclude: { path: '^dist/' },
      tsPreCompilationDeps: true,
      enhancedResolveOptions: {
        exportsFields: ['exports'],
        conditionNames: ['agent-service-source', 'import', 'node', 'default', 'types'],
      },
    },
  };
}
