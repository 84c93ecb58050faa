import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ServiceOptions, type ServiceUnderTest, startService } from './service.ts';

/** Service processes on one store, one after the other or side by side. */
export type Processes = {
  /** The folder of the embedded store, where that is in use. */
  readonly dataDir: string;
  start(more?: Partial<ServiceOptions>): Promise<ServiceUnderTest>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** Processes with these options in common; all that were started are killed when the test ends. */
export function startProcesses(common: ServiceOptions): Processes {
  const dataDir = mkdtempSync(join(tmpdir(), 'agent-service-processes-'));
  const started: ServiceUnderTest[] = [];
  return {
    dataDir,
    async start(more = {}) {
      const service = await startService({ ...common, ...more, env: { ...common.env, ...more.env }, dataDir });
      started.push(service);
      return service;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(started.map((service) => service[Symbol.asyncDispose]()));
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
