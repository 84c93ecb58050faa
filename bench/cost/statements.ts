/** How many statements and commits one plain run costs: counted, not timed, with what an idle process does taken off. */
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { cases, load } from './client.ts';
import { startCountingRelay } from './count-postgres.ts';
import { startDatabase } from './database.ts';
import { type Side, type SideName, startSide } from './sides.ts';

/** What one run costs a store. */
export type StatementCount = {
  side: SideName;
  callers: number;
  runs: number;
  /** A run's share of each statement, by its name or the beginning of its text; those of transactions are left out. */
  statements: Record<string, number>;
  /** Transactions committed. */
  commits: number;
};

const runs = 400;
const callersCounted = [1, 16];
/** How long an idle process is watched, and a busy one once it is idle again, in ms. */
const idleMs = 3_000;
/** Connections of Postgres that are idle tell what they did at the latest by then, in ms (pgstat.c, `PGSTAT_IDLE_INTERVAL`). */
const idlePostgresMs = 12_000;
const plain = cases[0] as (typeof cases)[number];

type Counts = Record<string, number>;
/** Statements executed so far, and among them, or by their side, `commit`. */
type Watched = { side: Side; idleMs: number; counts(): Promise<Counts> };

const minus = (one: Counts, other: Counts): Counts =>
  Object.fromEntries(Object.entries(one).map(([name, count]) => [name, count - (other[name] ?? 0)]));

/** What is counted during some work and the quiet after it. */
async function countDuring(
  watched: Watched,
  work: () => Promise<unknown>,
): Promise<{ counts: Counts; tookMs: number }> {
  const before = await watched.counts();
  const startedMs = performance.now();
  await work();
  await pause(watched.idleMs);
  return { counts: minus(await watched.counts(), before), tookMs: performance.now() - startedMs };
}

const isOfTransactions = (text: string) => /^(begin|commit|rollback|savepoint|release)\b/.test(text);
const nameOf = (text: string) => text.trim().replace(/\s+/g, ' ').slice(0, 60);

async function countRuns(watched: Watched, callers: number): Promise<StatementCount> {
  const { side } = watched;
  const idle = await countDuring(watched, async () => {});
  const busy = await countDuring(watched, () => load(side, plain, runs, callers));
  const share = busy.tookMs / idle.tookMs;
  const ofRun = (text: string) => ((busy.counts[text] ?? 0) - (idle.counts[text] ?? 0) * share) / runs;
  const statements: Counts = {};
  for (const text of new Set([...Object.keys(busy.counts), ...Object.keys(idle.counts)])) {
    if (!isOfTransactions(text)) statements[nameOf(text)] = (statements[nameOf(text)] ?? 0) + ofRun(text);
  }
  return { side: side.name, callers, runs, statements, commits: ofRun('commit') };
}

async function countAll(watched: Watched): Promise<StatementCount[]> {
  try {
    await load(watched.side, plain, runs, Math.max(...callersCounted)); // every statement is prepared by now
    await pause(watched.idleMs);
    const counted: StatementCount[] = [];
    for (const callers of callersCounted) counted.push(await countRuns(watched, callers));
    return counted;
  } finally {
    await watched.side.stop();
  }
}

async function countOnSqlite(providerUrl: string): Promise<StatementCount[]> {
  const nodeArgs = ['--import', './bench/cost/count-sqlite.ts'];
  const side = await startSide('embedded', { providerUrl, nodeArgs, ipc: true });
  const counts = async () => {
    const answer = once(side.child, 'message');
    side.child.send('counts');
    return (await answer)[0] as Counts;
  };
  return countAll({ side, idleMs, counts });
}

async function countOnPostgres(providerUrl: string): Promise<StatementCount[]> {
  const database = await startDatabase('statements', { tidied: false });
  const relay = await startCountingRelay(database.url);
  try {
    const side = await startSide('postgres', { providerUrl, databaseUrl: relay.url });
    // Postgres itself says how many commits there were: a statement may be a transaction of its own, or not.
    const counts = async () => ({ ...relay.counts(), commit: await database.commits() });
    return await countAll({ side, idleMs: idlePostgresMs, counts });
  } finally {
    await relay.close();
    await database.remove();
  }
}

/** Counts on one store after the other. */
export async function countStatements(providerUrl: string, sides: readonly SideName[]): Promise<StatementCount[]> {
  return [
    ...(sides.includes('embedded') ? await countOnSqlite(providerUrl) : []),
    ...(sides.includes('postgres') ? await countOnPostgres(providerUrl) : []),
  ];
}
