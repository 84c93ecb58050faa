/** The files of one suite of tests, as vitest's patterns. */
export type SuiteFiles = { include: string[]; exclude: string[] };

const filesBelow = (...folders: string[]): string[] => folders.map((folder) => `${folder}/**/*.test.ts`);
const endToEnd = (names: readonly string[]): string[] => names.map((name) => `tests/e2e/${name}.test.ts`);

/** The end-to-end tests of `npm test`. Every other file of tests/e2e is in the suite `e2e`. */
const coreEndToEnd = endToEnd([
  'approvals',
  'budgets',
  'cli',
  'costs',
  'durable',
  'health',
  'hostile',
  'hostile-callers',
  'hostile-input',
  'hostile-models',
  'hostile-wire',
  'input',
  'isolation',
  'keys',
  'limits',
  'log-content',
  'openapi',
  'pack',
  'providers',
  'run',
  'sessions',
  'shutdown',
  'stream',
  'support-desk',
]);

/** The end-to-end tests that the suite `image` repeats against the process of the container image. */
export const imageEndToEnd = endToEnd(['durable', 'health', 'run', 'sessions', 'shutdown', 'stream', 'support-desk']);

/** What installs real model servers. What they sent once is replayed in the suite `core`. */
const liveServers = filesBelow('tests/servers/live');

/** The suites that `vitest.config.ts` offers as projects. `npm test` runs `core`, `npm run test:<name>` each of the others. */
export const projectSuites = {
  core: {
    include: [
      ...filesBelow('src', 'examples', 'scripts', 'bench', 'tests/docs', 'tests/servers', 'tests/support'),
      ...coreEndToEnd,
    ],
    exclude: liveServers,
  },
  e2e: { include: filesBelow('tests/e2e'), exclude: coreEndToEnd },
  sdk: { include: filesBelow('tests/sdk'), exclude: [] },
  faults: { include: filesBelow('tests/faults'), exclude: [] },
  fuzz: { include: filesBelow('tests/fuzz'), exclude: [] },
  chart: { include: filesBelow('tests/chart', 'tests/deploy'), exclude: [] },
  workflows: { include: filesBelow('tests/workflows'), exclude: [] },
  'quick-servers': { include: liveServers, exclude: [] },
  autoscaling: { include: filesBelow('tests/autoscaling'), exclude: [] },
} satisfies Record<string, SuiteFiles>;

/** The suite of `vitest.image.config.ts`: it builds the container image and needs root. `npm run test:image` runs it. */
export const imageSuite: SuiteFiles = { include: filesBelow('tests/image'), exclude: [] };

/** All suites by name. Every test file belongs to exactly one of them. */
export const suites: Record<string, SuiteFiles> = { ...projectSuites, image: imageSuite };
