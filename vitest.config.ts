import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { testMsMax } from './tests/support/limits.ts';
import { projectSuites } from './tests/support/suites.ts';

/** What all suites have in common. */
export const common = defineConfig({
  // The package imports itself by name in the examples; in tests that name is the source, not a stale build.
  ssr: { resolve: { conditions: ['agent-service-source', 'node'] } },
  test: {
    globalSetup: ['tests/support/global-setup.ts'],
    setupFiles: ['tests/support/end-processes.ts'],
    pool: 'forks',
    // Most tests wait for processes of their own; by default a machine with two cores would run one file at a time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: testMsMax,
    hookTimeout: testMsMax,
  },
});

/** The suites: `npm test` runs `core`, `npm run test:<name>` another, and `npm run test:all` all of them. */
export default defineConfig({
  ...common,
  test: {
    ...common.test,
    projects: Object.entries(projectSuites).map(([name, files]) => ({ extends: true, test: { name, ...files } })),
  },
});
