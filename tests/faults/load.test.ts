import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { effectsIn } from '../support/effects-file.ts';
import { engines } from '../support/engines.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { runLoad } from '../support/load/load.ts';
import { countErrors, countStatuses, type LoadReport } from '../support/load/report.ts';
import { createTargets } from '../support/load/targets.ts';
import { createRandom } from '../support/random.ts';
import { startService } from '../support/service.ts';
import { createModelRequests } from './checker/model-requests.ts';
import { check, type Evidence, readStore, type Stored } from './checker.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { watchPoisoned } from './poison-watch.ts';

const isLong = process.env.FAULTS === 'long';
/** How often processes are killed at least. */
const killsMin = isLong ? 200 : 8;
/** Runs of one load; loads follow each other until there were kills enough. */
const runsPerLoad = isLong ? 100 : 20;
const loadsMax = 200;
/** Decides about the runs and the kills, though not about what meets what; `FAULTS_SEED` gives it again. */
const seed = Number(process.env.FAULTS_SEED ?? randomInt(1_000_000));
/** So many runs end before the provider forgets any of their requests. */
const runsPerReading = 50;
/**
 * All that clients may be told while processes die: that a session is held by a run that waits for a decision, and that
 * a decision was made before whose answer got lost.
 */
const honest = ['409 session_busy', '409 not_waiting'];

/** Loads one after the other, until there were kills enough. */
async function loadUntilKilled(
  fleet: Fleet,
  provider: FakeProvider,
  load: (seed: number, more: object) => Promise<LoadReport>,
) {
  const requests = createModelRequests(provider);
  const reports: LoadReport[] = [];
  const readings: Promise<void>[] = [];
  let ended = 0;
  const onEnd = () => {
    ended += 1;
    if (ended % runsPerReading === 0) readings.push(requests.collect());
  };
  while (fleet.deaths.length < killsMin && reports.length < loadsMax) {
    const next = load(seed + reports.length, { onEvent: fleet.eventSeen, onEnd });
    reports.push(await Promise.race([next, fleet.failed]));
  }
  await Promise.all(readings);
  await requests.collect();
  const report: LoadReport = {
    seed,
    runs: reports.flatMap(({ runs }) => runs),
    errors: reports.flatMap(({ errors }) => errors),
    violations: reports.flatMap(({ violations }) => violations),
    drops: reports.reduce((sum, { drops }) => sum + drops, 0),
  };
  return { report, modelRequests: requests.counts };
}

/** The numbers of the load, for the output of the long form. */
function figuresOf(fleet: Fleet, report: LoadReport, stored: Stored, { effects, modelRequests }: Evidence) {
  const maxOf = (values: number[]) => values.reduce((most, value) => Math.max(most, value), 0);
  return {
    seed,
    kills: fleet.deaths.length,
    killedByThemselves: fleet.deaths.filter(({ by }) => by === 'point').length,
    runs: countStatuses(report),
    sessions: stored.sessions.length,
    steps: stored.steps.length,
    events: stored.events.length,
    eventsSeen: report.runs.flatMap(({ views }) => views).reduce((sum, view) => sum + view.length, 0),
    effects: effects.length,
    modelCalls: stored.steps.filter(({ kind }) => kind === 'model_call').length,
    modelRequests: [...modelRequests.values()].reduce((sum, count) => sum + count, 0),
    droppedConnections: report.drops,
    errors: countErrors(report),
    runsThatCrashed: stored.runs.filter(({ crashes }) => crashes > 0).length,
    crashesOfOneRunMax: maxOf(stored.runs.map(({ crashes }) => crashes)),
    crashesWithoutStepMax: maxOf(stored.runs.map(({ crashesWithoutStep }) => crashesWithoutStep)),
    decisions: report.runs.flatMap(({ decisions }) => decisions).length,
  };
}

describe.each(engines)('processes killed at random under load, on $name', ({ name, open }) => {
  test('lose no run, double no effect, interleave no session, and show each client every event once', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'agent-service-load-'));
    const effectsFile = join(dataDir, 'effects.log');
    try {
      await using engine = await open();
      await using provider = await startFakeProvider({ freshIds: true });
      const targets = createTargets();
      const address = name === 'sqlite' ? { dataDir } : { databaseUrl: engine.env.DATABASE_URL ?? '' };
      const env = { ...engine.env, EFFECTS_FILE: effectsFile, RUN_LEASE: '2', OPENAI_TIMEOUT: '120' };
      const app = 'tests/support/apps/failpoints.ts';
      await using endangered = await watchPoisoned(address);
      await using fleet = await startFleet({
        size: name === 'sqlite' ? 1 : 3, // the embedded store has one process that executes runs
        start: (killAt) => startService({ provider, app, dataDir, env: { ...env, KILL_AT: `${killAt}` } }),
        isEndangered: endangered.any,
        targets,
        random: createRandom(seed),
      });
      const { report, modelRequests } = await loadUntilKilled(fleet, provider, (ofLoad, more) =>
        runLoad({ targets, effectsFile, runs: runsPerLoad, seed: ofLoad, ...more }),
      );
      await fleet[Symbol.asyncDispose]();

      const stored = await readStore(address);
      const evidence = { runs: report.runs, effects: effectsIn(effectsFile), modelRequests };
      if (isLong) process.stdout.write(`${name}: ${JSON.stringify(figuresOf(fleet, report, stored, evidence))}\n`);
      expect(check(stored, evidence), `seed ${seed}`).toEqual([]);
      expect(report.violations, `seed ${seed}`).toEqual([]);
      expect(Object.keys(countErrors(report)).filter((error) => !honest.includes(error))).toEqual([]);
      expect(fleet.deaths.length, `seed ${seed}`).toBeGreaterThanOrEqual(killsMin);
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});
