import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { effectsIn } from '../support/effects-file.ts';
import { startFakeProvider } from '../support/fake-provider.ts';
import { runLoad } from '../support/load/load.ts';
import { countErrors, countStatuses } from '../support/load/report.ts';
import { createTargets } from '../support/load/targets.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';
import { createModelRequests } from './checker/model-requests.ts';
import { check, readStore } from './checker.ts';
import { buildPreviousVersion } from './previous-version.ts';

const app = 'tests/support/apps/failpoints.ts';
/** All errors that clients may get: a session is held by a run that waits, and a process is about to end. */
const honest = ['409 session_busy', '409 not_waiting', '503 shutting_down'];
const runs = 60;

test('processes of this version and of the one before share a database under load, while one replaces the other', async () => {
  using previous = buildPreviousVersion();
  const folder = mkdtempSync(join(tmpdir(), 'agent-service-versions-'));
  try {
    const effectsFile = join(folder, 'effects.log');
    await using database = await createTestDatabase('empty');
    await using provider = await startFakeProvider({ freshIds: true });
    const env = { DATABASE_URL: database.url, EFFECTS_FILE: effectsFile, OPENAI_TIMEOUT: '120' };
    const targets = createTargets();
    await using services = new AsyncDisposableStack();
    const start = async (version: { root?: string; app: string } = { app }): Promise<ServiceUnderTest> => {
      const service = services.use(await startService({ ...version, provider, dataDir: folder, env }));
      targets.add(service.url);
      return service;
    };
    const stop = async (service: ServiceUnderTest) => {
      targets.remove(service.url);
      service.kill('SIGTERM');
      expect(await service.exited).toBe(0);
    };

    const { root, app: previousApp } = previous;
    const startPrevious = () => start({ root, app: previousApp });
    const [first, second] = [await startPrevious(), await startPrevious()];
    // One step each time that some more runs have ended.
    const steps: (() => Promise<unknown>)[] = [() => start(), () => start(), () => stop(first), () => stop(second)];
    const taken: Promise<unknown>[] = [];
    let ended = 0;
    const onEnd = () => {
      ended += 1;
      const step = ended % 10 === 0 && steps.shift();
      if (step) taken.push((taken.at(-1) ?? Promise.resolve()).then(step));
    };
    const requests = createModelRequests(provider);
    const report = await runLoad({ targets, effectsFile, runs, seed: 20, onEnd });
    await Promise.all(taken);
    await requests.collect();

    expect(taken).toHaveLength(4);
    expect(countStatuses(report)).toEqual({ completed: runs });
    const stored = await readStore({ databaseUrl: database.url });
    const evidence = { runs: report.runs, effects: effectsIn(effectsFile), modelRequests: requests.counts };
    expect(check(stored, evidence)).toEqual([]);
    expect(report.violations).toEqual([]);
    expect(Object.keys(countErrors(report)).filter((error) => !honest.includes(error))).toEqual([]);
    expect(stored.runs.filter(({ crashes }) => crashes > 0)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
