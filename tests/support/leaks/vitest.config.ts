import { defineConfig } from 'vitest/config';
import { common } from '../../../vitest.config.ts';

/** Runs the fixtures of this folder, which leave processes behind on purpose: for `child-processes.test.ts`. */
export default defineConfig({
  ...common,
  root: import.meta.dirname,
  test: {
    ...common.test,
    include: ['service.fixture.ts'],
    globalSetup: ['../global-setup.ts'],
    setupFiles: ['../end-processes.ts'],
  },
});
