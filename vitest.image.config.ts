import { defineConfig } from 'vitest/config';
import { findProgram } from './tests/support/installed-program.ts';
import base from './vitest.config.ts';

/** What of the end-to-end tests the image's process has to pass. */
const endToEnd = ['durable', 'health', 'run', 'sessions', 'shutdown', 'stream', 'support-desk'];

/** Why this machine cannot build an image; null where it can. */
function obstacle(): string | null {
  const missing = ['buildah', 'mmdebstrap'].filter((name) => findProgram(name) === null);
  if (missing.length > 0) return `${missing.join(' and ')} missing: apt-get install ${missing.join(' ')}`;
  return process.getuid?.() === 0 ? null : 'they need root, for chroots: sudo npm run test:image';
}

const why = obstacle();
if (why !== null && process.env.CI) throw new Error(`The tests of the image: ${why}`);
if (why !== null) process.stdout.write(`The tests of the image are skipped: ${why}\n`);

/** The tests of the container image: `npm run test:image`. */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: why === null ? ['tests/image/**/*.test.ts', ...endToEnd.map((name) => `tests/e2e/${name}.test.ts`)] : [],
    exclude: ['node_modules/**', 'dist/**'],
    // Every start of a process takes a little longer than outside of an image, and there are builds beside it.
    testTimeout: 120_000,
    hookTimeout: 600_000,
    passWithNoTests: why !== null,
    globalSetup: why === null ? ['tests/support/global-setup.ts', 'tests/support/image/global-setup.ts'] : [],
  },
});
