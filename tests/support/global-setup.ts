import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { removeLeftovers, startPostgresServer } from './postgres-server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A Postgres for the tests: its database for administration, as a user that may create databases. */
    postgresAdminUrl: string;
  }
}

/** The end-to-end tests are of the built package. `SKIP_BUILD=1` is for those who have just built it. */
function buildUnlessBuilt(): void {
  if (process.env.SKIP_BUILD === '1') return;
  execFileSync(process.execPath, [fileURLToPath(new URL('../../scripts/build.ts', import.meta.url))], {
    stdio: 'inherit',
  });
}

/**
 * Runs once before all test files: builds the package, starts one real Postgres for them, unless `TEST_DATABASE_URL` names one. Returns
 * what runs after them.
 */
export default async function setup(project: TestProject): Promise<() => void> {
  buildUnlessBuilt();
  const given = process.env.TEST_DATABASE_URL;
  if (given) {
    project.provide('postgresAdminUrl', given);
    return () => {};
  }
  await removeLeftovers();
  const server = await startPostgresServer();
  // Vitest answers Ctrl-C, SIGTERM and its own failures with an exit of the process, without calling what we return.
  process.once('exit', server.remove);
  const hangUp = () => process.exit(129);
  process.once('SIGHUP', hangUp);
  project.provide('postgresAdminUrl', server.url);
  return () => {
    process.off('exit', server.remove);
    process.off('SIGHUP', hangUp);
    server.remove();
  };
}
