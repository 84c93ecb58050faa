import { createRandom } from '../support/random.ts';
import { drawKind, drawRunMs, type RunKind, runMeanMs } from './work.ts';

const minuteMs = 60_000;
const hourMs = 3_600_000;

/** How many runs are asked for, over time. */
export type Load = {
  name: 'step' | 'day' | 'burst';
  title: string;
  lengthMs: number;
  /** How often figures are noted, in ms. */
  sampleMs: number;
  /** Runs that would go on at once if none were refused or had to wait. */
  offered(atMs: number): number;
};

/** Straight from one value to another at certain times. */
const within = (fromMs: number, untilMs: number, inside: number, outside: number) => (atMs: number) =>
  atMs >= fromMs && atMs < untilMs ? inside : outside;

/** Hours of a day, and the runs that are offered then; in between a smooth curve. */
const day: [hour: number, runs: number][] = [
  [0, 25],
  [5, 15],
  [7, 40],
  [10, 300],
  [13, 200],
  [15, 260],
  [18, 110],
  [22, 50],
  [24, 25],
];

function ofDay(atMs: number): number {
  const hour = atMs / hourMs;
  const next = day.findIndex(([at]) => at > hour);
  const [[fromHour, from], [toHour, to]] = [day.at(next - 1), day.at(next)] as [[number, number], [number, number]];
  const way = (1 - Math.cos((Math.PI * (hour - fromHour)) / (toHour - fromHour))) / 2;
  return from + way * (to - from);
}

/** The three shapes that are replayed. */
export const loads: Load[] = [
  {
    name: 'step',
    title: 'A step: 60 runs at once, 400 from minute 10 to 50',
    lengthMs: 90 * minuteMs,
    sampleMs: 30_000,
    offered: within(10 * minuteMs, 50 * minuteMs, 400, 60),
  },
  {
    name: 'day',
    title: 'A day: from 15 runs at once at night to 300 in the morning',
    lengthMs: 24 * hourMs,
    sampleMs: 5 * minuteMs,
    offered: ofDay,
  },
  {
    name: 'burst',
    title: 'Bursts: 60 runs at once, 500 for five minutes, twice',
    lengthMs: 80 * minuteMs,
    sampleMs: 30_000,
    offered: (atMs) =>
      Math.max(
        within(10 * minuteMs, 15 * minuteMs, 500, 60)(atMs),
        within(45 * minuteMs, 50 * minuteMs, 500, 60)(atMs),
      ),
  },
];

/** For how long pods may go after the load has fallen, in ms: the window, and then a pod a minute, take that long. */
const settleMs = 30 * minuteMs;

/** Whether the load is less than at some time in the last half hour, so that pods have to go. */
export function hasFallen({ offered }: Load, atMs: number): boolean {
  for (let backMs = 0; backMs <= Math.min(settleMs, atMs); backMs += minuteMs) {
    if (offered(atMs - backMs) > offered(atMs) * 1.001) return true;
  }
  return false;
}

/** Runs as they are asked for, in order: the same ones for each policy. */
export type Arrivals = { count: number; atMs: Float64Array; kind: RunKind[]; runMs: Float32Array };

/** Draws when runs are asked for (a Poisson process that follows the load), how, and how long they last. */
export function drawArrivals({ offered, lengthMs }: Load, timeoutMs: number, seed: number): Arrivals {
  const random = createRandom(seed);
  let highest = 0;
  for (let atMs = 0; atMs < lengthMs; atMs += minuteMs) highest = Math.max(highest, offered(atMs));
  const atMs: number[] = [];
  const kind: RunKind[] = [];
  const runMs: number[] = [];
  const meanGapMs = runMeanMs / highest;
  for (let nowMs = 0; ; ) {
    nowMs -= meanGapMs * Math.log(1 - random.next());
    if (nowMs >= lengthMs) break;
    if (!random.chance(offered(nowMs) / highest)) continue;
    const drawn = drawKind(random);
    atMs.push(nowMs);
    kind.push(drawn);
    runMs.push(drawRunMs(drawn, timeoutMs, random));
  }
  return { count: atMs.length, atMs: Float64Array.from(atMs), kind, runMs: Float32Array.from(runMs) };
}
