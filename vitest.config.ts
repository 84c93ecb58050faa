import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // The package imports itself by name in the examples; in tests that name is the source, not a stale build.
  ssr: { resolve: { conditions: ['agent-service-source', 'node'] } },
  test: {
    include: ['src', 'examples', 'tests', 'scripts', 'bench'].map((folder) => `${folder}/**/*.test.ts`),
    exclude: ['node_modules/**', 'dist/**', 'tests/image/**', 'tests/real-model/**'],
    globalSetup: ['tests/support/global-setup.ts'],
    pool: 'forks',
    // Most tests wait for processes of their own; by default a machine with two cores would run one file at a time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
