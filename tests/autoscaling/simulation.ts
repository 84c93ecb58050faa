import { createRandom } from '../support/random.ts';
import { type Counts, createFleet, type Fleet, scrapePeriodMs } from './fleet.ts';
import { createAutoscaler } from './hpa/autoscaler.ts';
import { type HpaSpec, syncPeriodMs } from './hpa/spec.ts';
import { type Arrivals, hasFallen, type Load } from './loads.ts';
import { type DeploymentParameters, demandMetric } from './parameters.ts';
import { type Execution, newWork } from './pod.ts';
import type { RunKind } from './work.ts';

/** The runs that wait, as a metric of its own: only for the policy that shows why it is not enough. */
export const queuedMetric = 'queued';

/** How finely time passes, in ms. */
const stepMs = 100;
/** How often the metrics server looks at the CPU of pods, and when in this period, in ms. */
const cpuPeriodMs = 15_000;
const cpuOffsetMs = 8_000;

/** Figures at a time, or of the time since the ones before. */
export type Sample = {
  atMs: number;
  pods: number;
  /** The longest that a run in the queue had waited, in ms. */
  waitMs: number;
  /** Share of the runs asked for that were refused. */
  refusedShare: number;
  /** Pods removed so far while they executed runs. */
  busyPodsRemoved: number;
  hasFallen: boolean;
};

/** What a policy made of a load. */
export type Outcome = Counts & {
  samples: Sample[];
  /** Busy pods that were removed while the load had not fallen: nothing called for it. */
  busyPodsKilled: number;
  /** Runs in the store at the end, queued or running. */
  unfinished: number;
  /** Times that runs in the background waited for their first start, in ms; those that wait at the end count, too. */
  waitP95Ms: number;
  waitMaxMs: number;
  podsMax: number;
  podHours: number;
};

/** What is replayed. */
export type Replay = {
  load: Load;
  arrivals: Arrivals;
  parameters: DeploymentParameters;
  /** The autoscaler, which may differ from that of the parameters in its metrics. */
  hpa: HpaSpec;
  seed: number;
  /** How many times the measured CPU a run takes: agents that compute. Defaults to 1. */
  cpuFactor?: number;
};

/** Asks the pods whose turn it is. */
function scrape(fleet: Fleet, nowMs: number): void {
  for (const pod of fleet.pods()) {
    if (pod.isReady && nowMs % scrapePeriodMs === pod.scrapeOffsetMs) pod.scrape = fleet.inStore();
  }
}

/** The value of a metric as the adapter gives it: the greatest of what pods said last; null before any has spoken. */
function externalMetric(fleet: Fleet, name: string): number | null {
  const scrapes = fleet.pods().flatMap((pod) => pod.scrape ?? []);
  if (scrapes.length === 0) return null;
  if (name === demandMetric) return Math.max(...scrapes.map(({ demand }) => demand));
  if (name === queuedMetric) return Math.max(...scrapes.map(({ queued }) => queued));
  return null;
}

/** Replays a load: the same seed gives the same outcome. */
export function simulate({ load, arrivals, parameters, hpa, seed, cpuFactor = 1 }: Replay): Outcome {
  const { lengthMs, sampleMs } = load;
  const endings: (Execution[] | undefined)[] = [];
  const waits: number[] = [];
  const fleet = createFleet({
    parameters,
    random: createRandom(seed),
    schedule(execution) {
      const step = Math.ceil(execution.endsAtMs / stepMs);
      const others = endings[step];
      if (others) others.push(execution);
      else endings[step] = [execution];
    },
    waited: (waitedMs) => waits.push(waitedMs),
  });
  const autoscaler = createAutoscaler(hpa);
  const { counts } = fleet;
  const samples: Sample[] = [];
  let podMs = 0;
  let podsMax = 0;
  let waitMs = 0;
  let busyPodsKilled = 0;
  let before = { runs: 0, refused: 0 };

  function sync(nowMs: number): void {
    const replicas = autoscaler.sync(
      {
        currentReplicas: fleet.pods().length,
        pods: fleet.pods().map((pod) => pod.observed(parameters.cpuRequestMillicores)),
        external: (name) => externalMetric(fleet, name),
      },
      nowMs,
    );
    const { busyPodsRemoved } = counts;
    fleet.scale(replicas, nowMs);
    if (!hasFallen(load, nowMs)) busyPodsKilled += counts.busyPodsRemoved - busyPodsRemoved;
  }

  function sample(nowMs: number): void {
    const runs = counts.runs - before.runs;
    samples.push({
      atMs: nowMs,
      pods: fleet.pods().length,
      waitMs,
      refusedShare: runs === 0 ? 0 : (counts.refused - before.refused) / runs,
      busyPodsRemoved: counts.busyPodsRemoved,
      hasFallen: hasFallen(load, nowMs),
    });
    before = { runs: counts.runs, refused: counts.refused };
    waitMs = 0;
  }

  function everySecond(nowMs: number): void {
    fleet.tick(nowMs);
    waitMs = Math.max(waitMs, fleet.longestWaitMs(nowMs));
    if (nowMs % cpuPeriodMs === cpuOffsetMs) for (const pod of fleet.pods()) pod.measureCpu(nowMs);
    // What is scraped in this second is known in the next.
    if (nowMs % syncPeriodMs === 0) sync(nowMs);
    scrape(fleet, nowMs);
    if (nowMs % sampleMs === 0) sample(nowMs);
    podMs += fleet.pods().length * 1_000;
    podsMax = Math.max(podsMax, fleet.pods().length);
  }

  fleet.scale(hpa.minReplicas, 0, 0);
  let next = 0;
  for (let step = 0; step * stepMs <= lengthMs; step += 1) {
    const nowMs = step * stepMs;
    for (const execution of endings[step] ?? []) fleet.end(execution, nowMs);
    endings[step] = undefined;
    if (nowMs % 1_000 === 0) everySecond(nowMs);
    for (; (arrivals.atMs[next] ?? Number.POSITIVE_INFINITY) <= nowMs; next += 1) {
      fleet.arrive(newWork(arrivals.kind[next] as RunKind, arrivals.runMs[next] as number, nowMs, cpuFactor), nowMs);
    }
  }
  const sorted = Float64Array.from([...waits, ...fleet.waitsMs(lengthMs)]).sort();
  return {
    samples,
    ...counts,
    waitMaxMs: sorted.at(-1) ?? 0,
    waitP95Ms: sorted[Math.floor(sorted.length * 0.95)] ?? 0,
    busyPodsKilled,
    unfinished: fleet.inStore().demand,
    podHours: podMs / 3_600_000,
    podsMax,
  };
}
