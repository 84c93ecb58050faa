import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, type TestContext, test } from 'vitest';
import { effectsIn } from '../support/effects-file.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { needProgram } from '../support/installed-program.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startProcesses } from '../support/processes.ts';
import { createModelRequests } from './checker/model-requests.ts';
import { check, readStore, type Stored } from './checker.ts';
import { deploy, type PodEnd, type Termination } from './rolling/deployment.ts';
import { startLoadBalancer } from './rolling/load-balancer.ts';
import { readManifests } from './rolling/manifests.ts';
import { startTraffic, type Traffic } from './rolling/traffic.ts';

const isLong = process.env.FAULTS === 'long';
/** Decides about the runs, though not about what meets what; `FAULTS_SEED` gives it again. */
const seed = Number(process.env.FAULTS_SEED ?? randomInt(1_000_000));
/** So many runs end before the provider forgets any of their requests. */
const runsPerReading = 50;
/** Runs that end before the first pod is replaced, so that clients of all kinds are at work. */
const runsBefore = 12;

/** `SHUTDOWN_GRACE` of pods that end soon, in ms: so short that some runs outlast it. */
const graceMs = 3_000;
/**
 * `PRESTOP_DELAY` of these pods, in ms. The load balancer has to know within it that the pod ends: that is the premise of the
 * promise, and this test's own timer keeps it. On a machine with ten times more to do than it has cores that timer is
 * seconds late. Figures are taken with the shorter delay, on a machine that is quiet.
 */
const delayMs = isLong ? 1_500 : 4_000;
/** When the load balancer is notified of the pod's end, in ms. */
const propagationMs = 500;
/** More than a pod takes, so that one which takes longer is seen: it ends by SIGKILL. */
const gracePeriodMs = delayMs + graceMs + 16_000;
/** How long a run takes that has to be handed back, and one where none has to be. */
const longMs = { beyondGrace: delayMs + graceMs + 2_500, within: 1_000 };

/**
 * The smallest update that shows a fault: the end of the only pod, which has had all requests. The long form yields
 * numbers to compare. No run is so long that three pods in a row could be killed in one of its steps: then it
 * would be ended, rightly, as one that kills processes.
 */
const smallest = { longMs: longMs.within, ...(isLong ? { replicas: 3, replaced: 6 } : { replicas: 1, replaced: 1 }) };

const usual: Termination = { propagationMs, preStopMs: 0, signal: 'SIGTERM', gracePeriodMs };

const settings = (prestopDelayMs: number) => ({
  OPENAI_TIMEOUT: '120',
  PRESTOP_DELAY: `${prestopDelayMs / 1000}`,
  SHUTDOWN_GRACE: `${graceMs / 1000}`,
});
/** Where pods die, what they had is to go on soon. */
const shortLease = { RUN_LEASE: '2' };

/** How an update goes, and how often. */
type Play = {
  replicas: number;
  /** The settings of the pods. */
  env: Record<string, string>;
  termination: Termination;
  longMs: number;
  /** Pods that are replaced. */
  replaced: number;
};

/** What came of it; `failed` is what the load balancer logged of requests that failed, and `wrong` what the checker says. */
type Outcome = { ends: PodEnd[]; traffic: Traffic; failed: string[]; stored: Stored; wrong: string[] };

/** Reads the requests that the provider got, often enough. */
function countRequests(provider: FakeProvider) {
  const requests = createModelRequests(provider);
  const readings: Promise<void>[] = [];
  let ended = 0;
  return {
    onEnd(): void {
      ended += 1;
      if (ended % runsPerReading === 0) readings.push(requests.collect());
    },
    async counts(): Promise<Map<string, number>> {
      await Promise.all(readings);
      await requests.collect();
      return requests.counts;
    },
  };
}

/** Replaces pods under traffic, and reads what is stored when all is over. */
async function play(haproxy: string, { replicas, env: own, termination, longMs, replaced }: Play): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'agent-service-rolling-'));
  const effectsFile = join(folder, 'effects.log');
  try {
    await using database = await createTestDatabase();
    await using provider = await startFakeProvider({ freshIds: true });
    const env = {
      DATABASE_URL: database.url,
      DATABASE_POOL_MAX: '5',
      EFFECTS_FILE: effectsFile,
      ...own,
    };
    await using processes = startProcesses({ provider, app: 'tests/support/apps/rolling.ts', env });
    await using balancer = await startLoadBalancer(haproxy);
    const deployment = await deploy({ replicas, start: () => processes.start(), balancer, termination });
    const requests = countRequests(provider);
    const running = startTraffic({ urls: balancer.urls, seed, longMs, onEnd: requests.onEnd });
    await running.ended(runsBefore);
    const ends = await deployment.update(replaced);
    await running.ended(runsBefore);
    const traffic = await running.stop();
    const modelRequests = await requests.counts();
    await deployment.end();
    const stored = await readStore({ databaseUrl: database.url });
    const evidence = { runs: traffic.runs, effects: effectsIn(effectsFile), modelRequests };
    return { ends, traffic, failed: balancer.failed(), stored, wrong: check(stored, evidence) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const handbacksOf = ({ stored }: Outcome, mode: string) => {
  const ids = new Set(stored.runs.filter((run) => run.mode === mode).map(({ id }) => id));
  const isHandback = ({ type, data }: Stored['events'][number]) => type === 'run.resumed' && data.after === 'handback';
  return stored.events.filter((event) => isHandback(event) && ids.has(event.runId)).length;
};

/** What an update came to, in numbers. */
function figuresOf(outcome: Outcome) {
  const { ends, traffic, stored } = outcome;
  const { requests, failures, resumed, cut } = traffic.tally;
  return {
    seed,
    podsReplaced: ends.length,
    podsKilled: ends.filter((end) => end === 'SIGKILL').length,
    requests: Object.values(requests).reduce((sum, count) => sum + count, 0),
    ofThem: requests,
    failed: failures.length,
    runs: stored.runs.length,
    eventsSeen: traffic.runs.flatMap(({ views }) => views).reduce((sum, view) => sum + view.length, 0),
    streamsResumed: resumed,
    blockingRunsCut: cut,
    handedBack: {
      background: handbacksOf(outcome, 'background'),
      stream: handbacksOf(outcome, 'stream'),
      blocking: handbacksOf(outcome, 'blocking'),
    },
    runsThatCrashed: stored.runs.filter(({ crashes }) => crashes > 0).length,
    decisions: requests.decision,
  };
}

async function playFor(context: TestContext, how: Play): Promise<Outcome> {
  const outcome = await play(needProgram(context, 'haproxy', 'on Debian and Ubuntu: apt-get install haproxy'), how);
  if (isLong) process.stdout.write(`${context.task.name}: ${JSON.stringify(figuresOf(outcome))}\n`);
  return outcome;
}

describe('a rolling update behind a load balancer, under load', () => {
  const { replicas, preStopMs, gracePeriodMs: gracePeriod, env } = readManifests();
  const good = [
    {
      pods: 'that the manifests describe',
      updates: isLong ? 10 : 2,
      how: { replicas, env, termination: { ...usual, preStopMs, gracePeriodMs: gracePeriod } },
      resumedMin: 0, // the grace is longer than any stream
    },
    {
      pods: 'that some runs outlast',
      updates: isLong ? 10 : 1,
      how: { replicas: 3, env: settings(delayMs), termination: usual },
      resumedMin: 1,
    },
  ];

  test.for(good)(
    'fails no request, loses no run and no event, and hands back what is not waited for: pods $pods',
    async ({ how, updates, resumedMin }, context) => {
      const replaced = updates * how.replicas;
      const outcome = await playFor(context, { ...how, longMs: longMs.beyondGrace, replaced });
      const { tally, violations } = outcome.traffic;
      expect(tally.failures, [`seed ${seed}`, ...outcome.failed].join('\n')).toEqual([]);
      expect(violations, `seed ${seed}`).toEqual([]);
      expect(outcome.wrong, `seed ${seed}`).toEqual([]);
      expect(outcome.stored.runs.filter(({ crashes }) => crashes > 0)).toEqual([]);
      expect(outcome.ends).not.toContain('SIGKILL');
      // There was something that could have failed.
      expect(Math.min(...Object.values(tally.requests))).toBeGreaterThan(0);
      expect(tally.resumed).toBeGreaterThanOrEqual(resumedMin);
      expect(handbacksOf(outcome, 'background')).toBeGreaterThan(0);
    },
  );

  test('fails requests, though it loses no run, if new work is refused before the load balancer knows', async (context) => {
    // A single pod is to meet many requests meanwhile.
    const termination = { ...usual, propagationMs: isLong ? propagationMs : graceMs };
    const { traffic, wrong } = await playFor(context, {
      ...smallest,
      env: { ...settings(0), ...shortLease },
      termination,
    });
    expect(traffic.tally.failures.length).toBeGreaterThan(0);
    expect([...traffic.violations, ...wrong], `seed ${seed}`).toEqual([]);
  });

  test('fails requests, though it loses no run, if pods are killed instead of drained', async (context) => {
    // A single pod is to be killed while requests are on their way to it.
    const heardMs = isLong ? propagationMs : delayMs;
    const termination: Termination = { ...usual, propagationMs: heardMs, preStopMs: delayMs, signal: 'SIGKILL' };
    const killed = { ...smallest, env: { ...settings(delayMs), ...shortLease }, termination };
    const { traffic, stored, wrong } = await playFor(context, killed);
    expect(traffic.tally.failures.length).toBeGreaterThan(0);
    expect([...traffic.violations, ...wrong], `seed ${seed}`).toEqual([]);
    expect(stored.runs.some(({ crashes }) => crashes > 0)).toBe(true);
  });
});
