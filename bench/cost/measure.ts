/** Measures the sides in turn, under one load after another. */
import { type Case, load } from './client.ts';
import type { BenchDatabase } from './database.ts';
import { median, quantile, type Spread, spread } from './figures.ts';
import { cpuMs, residentMib } from './proc.ts';
import type { Side, SideName } from './sides.ts';

/** One pass of one side. Times in ms, of CPU in ms a run. */
type Pass = {
  cpuMs: number;
  databaseCpuMs: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  firstTokenP50Ms: number;
  firstTokenP95Ms: number;
  runsPerSecond: number;
  residentMib: number;
};

/** What came out for one side under one load; ratios are to the bare server in the same pass. */
export type Row = {
  case: string;
  callers: number;
  side: SideName;
  passes: number;
  runsPerPass: number;
  /** Of the server's process. */
  cpuMsPerRun: Spread;
  cpuRatio: Spread;
  /** Of all processes of Postgres; null for the other sides. */
  databaseCpuMsPerRun: Spread | null;
  p50Ms: Spread;
  p95Ms: Spread;
  p99Ms: Spread;
  /** Null where nothing is streamed. */
  firstTokenP50Ms: Spread | null;
  firstTokenP95Ms: Spread | null;
  /** What the service adds to the bare server's, median of passes; null where nothing is streamed. */
  firstTokenAddedMs: number | null;
  runsPerSecond: Spread;
  residentMib: number;
};

/** How much is measured. */
export type Plan = { passes: number; runsOf(of: Case): number };

/** Before it is measured, each side has as many passes of its own: the compiler needs thousands of runs to settle. */
const warmUpPasses = 2;

/** What is measured, and where progress is reported. */
export type MeasureDeps = { sides: Side[]; database: BenchDatabase | null; plan: Plan; tell(line: string): void };

async function measurePass(side: Side, database: BenchDatabase | null, of: Case, runs: number, callers: number) {
  const before = { side: cpuMs(side.pid), database: database?.cpuMs() ?? 0 };
  const { timings, tookMs } = await load(side, of, runs, callers);
  const after = { side: cpuMs(side.pid), database: database?.cpuMs() ?? 0 };
  const totals = timings.map(({ totalMs }) => totalMs);
  const firstTokens = timings.map(({ firstTokenMs }) => firstTokenMs);
  const pass: Pass = {
    cpuMs: (after.side - before.side) / runs,
    databaseCpuMs: (after.database - before.database) / runs,
    p50Ms: quantile(totals, 0.5),
    p95Ms: quantile(totals, 0.95),
    p99Ms: quantile(totals, 0.99),
    firstTokenP50Ms: quantile(firstTokens, 0.5),
    firstTokenP95Ms: quantile(firstTokens, 0.95),
    runsPerSecond: runs / (tookMs / 1000),
    residentMib: residentMib(side.pid),
  };
  return pass;
}

/** The sides in the order of this pass: each is first as often as it is last, as far as passes allow. */
const inTurn = <T>(sides: T[], pass: number): T[] => sides.map((_, index) => sides[(index + pass) % sides.length] as T);

/** Measures one case with so many callers: all sides warm up, and then take turns, pass by pass. */
export async function measure(deps: MeasureDeps, of: Case, callers: number): Promise<Row[]> {
  const { sides, database, plan, tell } = deps;
  const runs = plan.runsOf(of);
  for (const side of sides) await load(side, of, runs * warmUpPasses, callers);
  const passes = new Map<SideName, Pass[]>(sides.map(({ name }) => [name, []]));
  for (let number = 1; number <= plan.passes; number += 1) {
    for (const side of inTurn(sides, number)) {
      const pass = await measurePass(side, side.name === 'postgres' ? database : null, of, runs, callers);
      passes.get(side.name)?.push(pass);
    }
    const figures = sides.map(({ name }) => `${name} ${passes.get(name)?.at(-1)?.cpuMs.toFixed(2)}`);
    tell(`${of.name}, ${callers} at once, pass ${number}/${plan.passes}: ms CPU a run ${figures.join(', ')}`);
  }
  const bare = passes.get('bare') as Pass[];
  return sides.map(({ name }) => toRow(name, passes.get(name) as Pass[], bare, { of, callers, runs }));
}

function toRow(
  side: SideName,
  passes: Pass[],
  bare: Pass[],
  { of, callers, runs }: { of: Case; callers: number; runs: number },
): Row {
  const all = (figure: keyof Pass) => spread(passes.map((pass) => pass[figure]));
  const toBare = (figure: keyof Pass, combine: (own: number, bare: number) => number) =>
    passes.map((pass, index) => combine(pass[figure], (bare[index] as Pass)[figure]));
  return {
    case: of.name,
    callers,
    side,
    passes: passes.length,
    runsPerPass: runs,
    cpuMsPerRun: all('cpuMs'),
    cpuRatio: spread(toBare('cpuMs', (own, other) => own / other)),
    databaseCpuMsPerRun: side === 'postgres' ? all('databaseCpuMs') : null,
    p50Ms: all('p50Ms'),
    p95Ms: all('p95Ms'),
    p99Ms: all('p99Ms'),
    firstTokenP50Ms: of.streamed ? all('firstTokenP50Ms') : null,
    firstTokenP95Ms: of.streamed ? all('firstTokenP95Ms') : null,
    firstTokenAddedMs: of.streamed ? median(toBare('firstTokenP50Ms', (own, other) => own - other)) : null,
    runsPerSecond: all('runsPerSecond'),
    residentMib: passes.at(-1)?.residentMib ?? Number.NaN,
  };
}
