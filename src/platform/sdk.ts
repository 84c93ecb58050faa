import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTraceProcessors, setTracingDisabled } from '@openai/agents';

/**
 * Takes back what importing the SDK does to a process: it sends traces, prompts included, to OpenAI whatever provider
 * is in use, and logs an error a batch where there is no key. Its handlers for signals and rejections stand aside as
 * soon as the process has handlers of its own, which `src/main.ts` installs.
 */
export function quietSdk(): void {
  setTracingDisabled(true);
  setTraceProcessors([]);
}

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

/** The versions that a run is recorded with: this package's, and that of the SDK it executes on. */
export function versions(): { app: string; sdk: string } {
  const require = createRequire(import.meta.url);
  return {
    app: manifestAbove(require.resolve('../../package.json')).version ?? 'unknown',
    sdk: manifestAbove(require.resolve('@openai/agents')).version ?? 'unknown',
  };
}
