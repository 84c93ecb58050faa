import { defineConfig } from 'vitest/config';
import { findProgram } from './tests/support/installed-program.ts';
import { imageEndToEnd, imageSuite } from './tests/support/suites.ts';
import { common } from './vitest.config.ts';

/** Why this machine cannot build an image; null where it can. */
function obstacle(): string | null {
  const missing = ['buildah', 'mmdebstrap'].filter((name) => findProgram(name) === null);
  if (missing.length > 0) return `${missing.join(' and ')} missing: apt-get install ${missing.join(' ')}`;
  return process.getuid?.() === 0 ? null : 'they need root, for chroots: sudo npm run test:image';
}

const why = obstacle();
if (why !== null && process.env.CI) throw new Error(`The tests of the image: ${why}`);
if (why !== null) process.stdout.write(`The tests of the image are skipped: ${why}\n`);

/** The tests of the container image, and end-to-end tests against its process: `npm run test:image`. */
export default defineConfig({
  ...common,
  test: {
    ...common.test,
    include: why === null ? [...imageSuite.include, ...imageEndToEnd] : [],
    passWithNoTests: why !== null,
    globalSetup: why === null ? ['tests/support/global-setup.ts', 'tests/support/image/global-setup.ts'] : [],
  },
});
