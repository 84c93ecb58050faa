import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

type Manifest = { name?: string; version?: string };

function manifestAbove(path: string): Manifest {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (!existsSync(file)) continue;
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
    if (manifest.version !== undefined) return manifest;
  }
  return {};
}

const require = createRequire(import.meta.url);
const versionAbove = (module: string): string => manifestAbove(require.resolve(module)).version ?? 'unknown';

/** The version of this package. */
export const packageVersion = (): string => versionAbove('../../package.json');

/**
 * The versions that are recorded with a run: that of the application, and that of the SDK.
 *
 * @param app the version of the application; defaults to that of the package.json of the working directory
 */
export const versions = (app?: string): { app: string; sdk: string } => ({
  app: app ?? manifestAbove(join(process.cwd(), 'package.json')).version ?? packageVersion(),
  sdk: versionAbove('@openai/agents'),
});
