import { type DeploymentParameters, demandTarget } from './parameters.ts';
import { drawPlot, type Line, type Panel } from './plot.ts';
import { type PolicyName, policies } from './policies.ts';
import type { Result } from './results.ts';
import type { Sample } from './simulation.ts';

const names = Object.keys(policies) as PolicyName[];
const needColor = '#9ca3af';
const bandColor = '#f3f4f6';

/** Round values up to one that is at least `highest`. */
function ticksTo(highest: number): number[] {
  const step = [1, 2, 5, 10, 20, 50, 100].find((each) => highest / each <= 5) ?? Math.ceil(highest / 5);
  return Array.from({ length: Math.max(1, Math.ceil(highest / step)) + 1 }, (_, index) => index * step);
}

/** Times at which the load had fallen, joined. */
function bandsOf(samples: Sample[], unitMs: number): [number, number][] {
  const bands: [number, number][] = [];
  for (const [index, { atMs, hasFallen }] of samples.entries()) {
    const next = samples[index + 1];
    if (!hasFallen || next === undefined) continue;
    const last = bands.at(-1);
    if (last?.[1] === atMs / unitMs) last[1] = next.atMs / unitMs;
    else bands.push([atMs / unitMs, next.atMs / unitMs]);
  }
  return bands;
}

/** The picture of a load: pods, waiting, refusals and removals of the three policies. */
export function plotOf({ load, outcomes }: Result, parameters: DeploymentParameters): string {
  const isDay = load.name === 'day';
  const unitMs = isDay ? 3_600_000 : 60_000;
  const length = load.lengthMs / unitMs;
  const linesOf = (value: (sample: Sample) => number, isStepped?: true): Line[] =>
    names.map((name) => ({
      color: policies[name].color,
      ...(isStepped && { isStepped }),
      points: outcomes[name].samples.map((sample) => [sample.atMs / unitMs, value(sample)]),
    }));
  const highest = (lines: Line[]) => Math.max(...lines.flatMap(({ points }) => points.map(([, y]) => y)));
  const target = demandTarget(parameters.hpa);
  const need: Line = {
    color: needColor,
    dashed: true,
    points: outcomes.demand.samples.map(({ atMs }) => [atMs / unitMs, load.offered(atMs) / target]),
  };
  const pods = [need, ...linesOf(({ pods: count }) => count, true)];
  const removed = linesOf(({ busyPodsRemoved }) => busyPodsRemoved, true);
  const panels: Panel[] = [
    { title: 'Pods', ticks: ticksTo(highest(pods)), lines: pods },
    {
      title: 'Longest wait of a queued run (seconds, logarithmic)',
      ticks: [0, 10, 100, 1_000, 10_000],
      isLogarithmic: true,
      lines: linesOf(({ waitMs }) => waitMs / 1_000),
    },
    {
      title: 'Requests answered 429 (% of all)',
      ticks: [0, 25, 50, 75, 100],
      lines: linesOf(({ refusedShare }) => 100 * refusedShare),
    },
    { title: 'Busy pods removed so far', ticks: ticksTo(highest(removed)), lines: removed },
  ];
  return drawPlot({
    title: load.title,
    legend: [
      ...names.map((name) => ({ label: policies[name].name, color: policies[name].color })),
      { label: 'pods the load needs', color: needColor, dashed: true },
      { label: 'load has fallen', color: bandColor, isBand: true },
    ],
    bands: bandsOf(outcomes.demand.samples, unitMs),
    xTitle: isDay ? 'Hour of the day' : 'Minutes',
    xTicks: Array.from({ length: (isDay ? length / 2 : length / 10) + 1 }, (_, index) => index * (isDay ? 2 : 10)),
    panels,
  });
}

const seconds = (ms: number) => (ms < 100 ? '0' : ms < 10_000 ? (ms / 1000).toFixed(1) : (ms / 1000).toFixed(0));
const percent = (share: number) => `${(100 * share).toFixed(share < 0.01 ? 2 : 1)} %`;

/** The table of all figures, in Markdown. */
export function tableOf(results: Result[]): string {
  const rows = results.flatMap(({ load, outcomes }) =>
    names.map((name) => {
      const { refused, runs, waitP95Ms, waitMaxMs, podsRemoved, busyPodsKilled, handedBack, cut, podsMax, podHours } =
        outcomes[name];
      const cells = [
        load.name,
        policies[name].name,
        runs.toLocaleString('en'),
        percent(refused / runs),
        `${seconds(waitP95Ms)}; ${seconds(waitMaxMs)}`,
        podsRemoved,
        busyPodsKilled,
        handedBack.toLocaleString('en'),
        cut,
        podsMax,
        podHours.toFixed(1),
      ];
      return `| ${cells.join(' | ')} |`;
    }),
  );
  return [
    '| Load | Policy | Runs | 429 | Queue wait p95; longest, s | Pods removed | **busy, without need** | Runs handed back | Runs cut | Most pods | Pod hours |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}
