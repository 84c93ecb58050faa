/**
 * A case after a crash at each recorded step. The folder of the store is copied whenever something has been recorded:
 * a copy is what a process that died at that moment would have left on the disk. A service is then started on each
 * copy, which goes on with the run.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { HitFailpoint } from '../../src/runs/index.ts';
import { databaseFile } from '../../src/storage/sqlite/index.ts';
import type { Api, PlayedCase } from './case.ts';
import type { ModelCall, ModelServer } from './model-server.ts';
import { type AskedCall, comparableCalls, countsOf, type Ending, type Play } from './played.ts';
import { messagesOf } from './sdk-side.ts';
import { bodyOf, followToEnd, optionsOf, serveCase } from './service-side.ts';

/** A moment at which the process could have died. */
type Moment = { dataDir: string; notes: string[]; calls: ModelCall[] };

/** What came of a run that went on after a crash; what a person was asked before it is not repeated. */
export type PlayAfterCrash = Omit<Play, 'asked' | 'text'> & { recorded: string };

type Failpoint = Parameters<HitFailpoint>[0];

/** Where the process dies. */
const deadlyPoints: readonly Failpoint[] = ['run.claimed', 'journal.afterAppend', 'decision.afterWrite'];

/** What a folder has: its steps in words, by which moments are told apart, and the number of answers of models. */
function readRecorded(dataDir: string): { recorded: string; answers: number } {
  const database = new DatabaseSync(join(dataDir, databaseFile));
  try {
    const rows = database.prepare('select kind, name, status from steps order by step').all();
    const { status } = database.prepare('select status from runs').get() ?? {};
    const words = [...rows.map((row) => Object.values(row).join(' ')), `run ${status}`].join(', ');
    const isAnswer = ({ kind, status }: (typeof rows)[number]) => kind === 'model_call' && status === 'completed';
    return { recorded: words, answers: rows.filter(isAnswer).length };
  } finally {
    database.close();
  }
}

/** Plays a case to its end, and keeps what would be left of it at each moment. */
async function collectMoments(
  each: PlayedCase,
  api: Api,
  server: ModelServer,
  folder: string,
): Promise<[string, Moment[]]> {
  const notes: string[] = [];
  const moments: Moment[] = [];
  const dataDir = join(folder, 'store');
  const hitFailpoint = (point: Failpoint) => {
    if (!deadlyPoints.includes(point)) return;
    const copy = join(folder, `${moments.length}`);
    cpSync(dataDir, copy, { recursive: true, filter: (path) => !path.includes('lock.') });
    moments.push({ dataDir: copy, notes: [...notes], calls: server.calls() });
  };
  const options = optionsOf(each, server, (what) => notes.push(what));
  server.follow(each.script);
  await using served = await serveCase({ options, api, server, dataDir, hitFailpoint });
  const [message] = messagesOf(each, false);
  const { run_id } = await served.ask('/runs', bodyOf(message as string));
  await followToEnd(served, run_id, each, []);
  return [run_id, moments];
}

/** Goes on at a moment, with everything that was kept in memory gone. */
async function goOn(
  each: PlayedCase,
  api: Api,
  server: ModelServer,
  runId: string,
  moment: Moment,
): Promise<Omit<PlayAfterCrash, 'recorded'>> {
  const notes = [...moment.notes];
  const asked: AskedCall[] = [];
  server.follow(each.script);
  const options = optionsOf(each, server, (what) => notes.push(what));
  await using served = await serveCase({ options, api, server, dataDir: moment.dataDir });
  const ending: Ending = await followToEnd(served, runId, each, asked);
  const calls = comparableCalls([...moment.calls, ...server.calls()], each.parallel === true);
  return { endings: [ending], done: countsOf(notes), calls };
}

/** Plays the first run of a case once for each step at which its process dies. */
export async function playCrashes(each: PlayedCase, api: Api, server: ModelServer): Promise<PlayAfterCrash[]> {
  const folder = mkdtempSync(join(tmpdir(), 'agent-service-crashes-'));
  try {
    const [runId, moments] = await collectMoments(each, api, server, folder);
    const plays: PlayAfterCrash[] = [];
    for (const moment of moments) {
      const { recorded, answers } = readRecorded(moment.dataDir);
      if (recorded === plays.at(-1)?.recorded || /run (completed|failed)$/.test(recorded)) continue;
      // A call that was not answered, or whose answer was not recorded, is made again.
      const calls = each.parallel ? moment.calls : moment.calls.slice(0, answers);
      plays.push({ recorded, ...(await goOn(each, api, server, runId, { ...moment, calls })) });
    }
    return plays;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
