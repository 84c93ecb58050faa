import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { effectsIn } from '../support/effects-file.ts';
import { engines } from '../support/engines.ts';
import { startFakeProvider } from '../support/fake-provider.ts';
import { runLoad } from '../support/load/load.ts';
import type { SeenEvent } from '../support/load/report.ts';
import { createTargets } from '../support/load/targets.ts';
import { startService } from '../support/service.ts';
import { createModelRequests } from './checker/model-requests.ts';
import { check, connectStore, type Evidence, type StoreConnection, type Stored } from './checker.ts';

/** A seed whose runs have everything that faults are planted in. */
const seed = 11;
const runs = 24;

/** A store that a load has filled and that no process uses any more, and what the clients received. */
type Filled = AsyncDisposable & { connection: StoreConnection; stored: Stored; evidence: Evidence };

async function fill({ name, open }: (typeof engines)[number]): Promise<Filled> {
  const dataDir = mkdtempSync(join(tmpdir(), 'agent-service-checker-'));
  const effectsFile = join(dataDir, 'effects.log');
  const engine = await open();
  await using provider = await startFakeProvider({ freshIds: true });
  const requests = createModelRequests(provider);
  const app = 'tests/support/apps/effects.ts';
  await using service = await startService({
    provider,
    app,
    dataDir,
    env: { ...engine.env, EFFECTS_FILE: effectsFile },
  });
  const report = await runLoad({ targets: createTargets([service.url]), runs, seed, effectsFile, sessions: 1 });
  await requests.collect();
  const connection = await connectStore(
    name === 'sqlite' ? { dataDir } : { databaseUrl: engine.env.DATABASE_URL ?? '' },
  );
  return {
    connection,
    stored: await connection.read(),
    evidence: { runs: report.runs, effects: effectsIn(effectsFile), modelRequests: requests.counts },
    async [Symbol.asyncDispose]() {
      await connection[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Where faults are planted: a run of a session with a `once` call, the next run of that session, and their rows. */
function findPlace({ runs, steps, items }: Stored) {
  const ofSession = runs.filter(({ sessionId }) => sessionId !== null);
  const call = steps.find(
    ({ effect, runId }) => effect === 'once' && ofSession.slice(0, -1).some(({ id }) => id === runId),
  );
  const first = ofSession.findIndex(({ id }) => id === call?.runId);
  const [run, next] = [ofSession[first], ofSession[first + 1]];
  if (!call || !run || !next) throw new Error('The load made no such run: choose another seed.');
  const last = items.findLast(({ runId }) => runId === run.id)?.seq ?? 0;
  return { run: run.id, next: next.id, session: run.sessionId, step: call.step, callId: call.callId ?? '', last };
}
type Place = ReturnType<typeof findPlace>;

/** Makes room for one event after event `seq` of a run; in two moves, as no two events may have one number meanwhile. */
const shift = (run: string, seq: number) => [
  `update events set seq = seq + 1000 where run_id = '${run}' and seq > ${seq}`,
  `update events set seq = seq - 999 where run_id = '${run}' and seq > ${seq}`,
];
const copy = (run: string, seq: number, to: number) =>
  `insert into events (run_id, seq, tenant_id, type, attempt, at_ms, data)
   select run_id, ${to}, tenant_id, type, attempt, at_ms, data from events where run_id = '${run}' and seq = ${seq}`;

/** Faults in the store, and what the checker says of each. */
const inStore: { fault: string; sql: (at: Place) => string[]; found: RegExp[] }[] = [
  {
    fault: 'a run left running',
    sql: ({ run }) => [`update runs set status = 'running', owner_id = 'p', finished_at_ms = null where id = '${run}'`],
    found: [/is lost: it is still running/],
  },
  {
    fault: 'a run that was ended as poisoned',
    sql: ({ run }) => [
      `update runs set status = 'failed', error = '{"code":"poisoned","detail":"","retryable":false}' where id = '${run}'`,
    ],
    found: [/is lost: it was ended as poisoned/],
  },
  {
    fault: 'half of an answer',
    sql: ({ run }) => [`update runs set response = '"answer"' where id = '${run}'`],
    found: [/is not what the model said last/],
  },
  {
    fault: 'usage that no step had',
    sql: ({ run }) => [`update runs set total_tokens = total_tokens + 1 where id = '${run}'`],
    found: [/used .* its steps/],
  },
  {
    fault: 'a run without its key',
    sql: ({ run }) => [`delete from idempotency_keys where run_id = '${run}'`],
    found: [/has not the key it was sent with/],
  },
  {
    fault: 'a tool step dropped',
    sql: ({ run, step }) => [`delete from steps where run_id = '${run}' and step = ${step}`],
    found: [/has no step .*, but one after it/, /has no step for the call/, /for which there is no step/],
  },
  {
    fault: 'the last step dropped',
    sql: ({ run }) => [
      `delete from steps where run_id = '${run}' and step = (select max(step) from steps where run_id = '${run}')`,
    ],
    found: [/shows text of step \d+, which is not recorded/],
  },
  {
    fault: 'a step whose end is not recorded',
    sql: ({ run, step }) => [`update steps set status = 'started' where run_id = '${run}' and step = ${step}`],
    found: [/has completed, and step \d+ .* is started/],
  },
  {
    fault: 'a step whose result is not known',
    sql: ({ run, step }) => [`update steps set output = null where run_id = '${run}' and step = ${step}`],
    found: [/does not know what step/],
  },
  {
    fault: 'a step of another number',
    sql: ({ run, step }) => [`update steps set step = step + 100 where run_id = '${run}' and step = ${step}`],
    found: [/has no step \d+, but one after it/, /tells in event \d+ another call/],
  },
  {
    fault: 'a step answered more often than there were attempts',
    sql: ({ run, step }) => [`update steps set replayed = 1 where run_id = '${run}' and step = ${step}`],
    found: [/answered step .* 1 times in 0 later attempts/],
  },
  {
    fault: 'a run taken over by an attempt that wrote nothing',
    sql: ({ run }) => [`update runs set attempt = 2 where id = '${run}'`],
    found: [/did not meet step/, /was ended by attempt 1 when attempt 2 had taken over/],
  },
  {
    fault: 'an event of an older attempt after one of a newer',
    sql: ({ run }) => [
      `update runs set attempt = 2 where id = '${run}'`,
      `update events set attempt = 2 where run_id = '${run}' and seq = 3`,
    ],
    found: [/event 4 .* of attempt 1, written after attempt 2 had taken over/],
  },
  {
    fault: 'an event renumbered',
    sql: ({ run }) => [`update events set seq = seq + 1000 where run_id = '${run}' and seq = 3`],
    found: [/after number 2: a gap/],
  },
  {
    fault: 'the last event renumbered',
    sql: ({ run }) => [
      `update events set seq = seq + 1 where run_id = '${run}' and seq = (select max(seq) from events where run_id = '${run}')`,
    ],
    found: [/\(run.completed\) after number \d+: a gap/],
  },
  {
    fault: 'an event dropped, and those after it moved up',
    sql: ({ run }) => [
      `delete from events where run_id = '${run}' and seq = 3`,
      `update events set seq = seq + 1000 where run_id = '${run}' and seq > 3`,
      `update events set seq = seq - 1001 where run_id = '${run}' and seq > 3`,
    ],
    found: [/has 0 events for the start of step/],
  },
  {
    fault: 'an event duplicated, and those after it moved down',
    sql: ({ run }) => [...shift(run, 3), copy(run, 3, 4)],
    found: [/has 2 events for the start of step/, /client 1 saw \d+ events of \d+/],
  },
  {
    fault: 'the last event duplicated',
    sql: ({ run }) => [
      `insert into events (run_id, seq, tenant_id, type, attempt, at_ms, data)
       select run_id, seq + 1, tenant_id, type, attempt, at_ms, data from events
       where run_id = '${run}' and type = 'run.completed'`,
    ],
    found: [/goes on after event \d+ \(run.completed\)/],
  },
  {
    fault: 'an end that does not fit the run',
    sql: ({ run }) => [`update events set type = 'run.failed' where run_id = '${run}' and type = 'run.completed'`],
    found: [/is completed, and its last event is run.failed/],
  },
  {
    fault: 'text that the model did not say',
    sql: ({ run }) => [
      `update events set data = replace(data, '"delta":"answer', '"delta":"no answer') where run_id = '${run}'`,
    ],
    found: [/shows "no answer.* of what step/],
  },
  {
    fault: 'items of two runs of a session interleaved',
    sql: ({ run, next, session, last }) => [
      `update session_items set run_id = case run_id when '${run}' then '${next}' else '${run}' end
       where session_id = '${session}' and seq in (${last}, ${last + 1})`,
    ],
    found: [/is interleaved: item \d+ of run .* stands after those of another run/],
  },
  {
    fault: 'a run that read another history than it had',
    sql: ({ next }) => [`update runs set session_seq_at_start = session_seq_at_start - 1 where id = '${next}'`],
    found: [/is interleaved: run .* began with \d+ items, and those before it left \d+/],
  },
  {
    fault: 'an item of a session dropped',
    sql: ({ session, last }) => [`delete from session_items where session_id = '${session}' and seq = ${last}`],
    found: [/has item \d+ where \d+ belongs/, /has no answer of run/, /counts \d+ items and has/],
  },
  {
    fault: 'a session that is held for ever',
    sql: ({ run, session }) => [`update sessions set active_run_id = '${run}' where id = '${session}'`],
    found: [/is still held by run/],
  },
  {
    fault: 'a session that counts wrongly',
    sql: ({ session }) => [
      `update sessions set next_seq = next_seq + 1, runs_count = runs_count - 1, requests = requests + 1 where id = '${session}'`,
    ],
    found: [/counts \d+ items and has/, /counts \d+ runs and has/, /used .* its runs/],
  },
];

type Outside = { fault: string; change: (evidence: Evidence, at: Place) => Evidence; found: RegExp[] };

/** Evidence in which the first viewer of the run saw other events. */
const seeing =
  (change: (view: SeenEvent[]) => SeenEvent[]): Outside['change'] =>
  ({ runs: loads, ...evidence }, { run }) => ({
    ...evidence,
    runs: loads.map((load) =>
      load.runId === run ? { ...load, views: [change(load.views[0] ?? []), ...load.views.slice(1)] } : load,
    ),
  });
const doing =
  (key: (at: Place) => string): Outside['change'] =>
  (evidence, at) => ({
    ...evidence,
    effects: [...evidence.effects, { tool: 'note_once', text: 'again', key: key(at) }],
  });

/** Faults that only those outside of the store can see, and what the checker says of each. */
const outside: Outside[] = [
  {
    fault: 'an effect doubled',
    change: doing(({ run, callId }) => `${run}:${callId}`),
    found: [/did step .* 2 times/],
  },
  {
    fault: 'an effect that no step recorded',
    change: doing(() => 'run_0:call_0'),
    found: [/happened under run_0:call_0, which no step/],
  },
  {
    fault: 'an effect repeated under another key',
    change: (evidence) => {
      const [first, ...others] = evidence.effects;
      return { ...evidence, effects: [...others, ...(first ? [first, { ...first, key: `${first.key}_2` }] : [])] };
    },
    found: [/happened under 2 keys/],
  },
  {
    fault: 'an effect that never happened',
    change: (evidence, { run, callId }) => ({
      ...evidence,
      effects: evidence.effects.filter(({ key }) => key !== `${run}:${callId}`),
    }),
    found: [/recorded step .*, which never happened/],
  },
  {
    fault: 'a model asked again for what it had answered',
    change: (evidence) => ({
      ...evidence,
      modelRequests: new Map([...evidence.modelRequests].map(([message, count]) => [message, count + 1])),
    }),
    found: [/asked the model \d+ times for \d+ steps, and was cut 0 times/],
  },
  {
    fault: 'an event that a client saw twice',
    change: seeing((view) => [...view.slice(0, 3), ...view.slice(2)]),
    found: [/client 1 saw/],
  },
  {
    fault: 'an event that a client did not see',
    change: seeing((view) => view.toSpliced(3, 1)),
    found: [/client 1 saw \d+ events of/],
  },
  {
    fault: 'an event that a client saw differently',
    change: seeing((view) =>
      view.map((event) => (event.type === 'tool.completed' ? { ...event, output: 'lost' } : event)),
    ),
    found: [/client 1 saw another event \d+ \(tool.completed\) than is stored/],
  },
  {
    fault: 'a run that a client asked for and that is nowhere',
    change: ({ runs: loads, ...evidence }, { run }) => ({
      ...evidence,
      runs: loads.map((load) => (load.runId === run ? { ...load, runId: 'run_0' } : load)),
    }),
    found: [/was made, and no client knows it/, /\(run_0\) is lost/],
  },
  {
    fault: 'the answer of another run',
    change: ({ runs: loads, ...evidence }, { run }) => ({
      ...evidence,
      runs: loads.map((load) =>
        load.runId === run ? { ...load, planned: { ...load.planned, answer: 'answer-0' } } : load,
      ),
    }),
    found: [/was answered .* instead of "answer-0"/],
  },
];

function expectFound(wrong: string[], found: RegExp[]): void {
  for (const each of found) expect(wrong.join('\n')).toMatch(each);
}

describe.each(engines)('the checker of a store on $name', (engine) => {
  let filled: Filled;
  beforeAll(async () => {
    filled = await fill(engine);
  });
  afterAll(() => filled?.[Symbol.asyncDispose]());

  test('finds nothing wrong where nothing is', () => {
    expect(check(filled.stored, filled.evidence)).toEqual([]);
  });

  test.each(inStore)('finds $fault', async ({ sql, found }) => {
    const { connection, evidence, stored } = filled;
    await connection.exec('begin');
    try {
      for (const statement of sql(findPlace(stored))) await connection.exec(statement);
      expectFound(check(await connection.read(), evidence), found);
    } finally {
      await connection.exec('rollback');
    }
  });

  test.each(outside)('finds $fault, seen from outside', ({ change, found }) => {
    const { evidence, stored } = filled;
    expectFound(check(stored, change(evidence, findPlace(stored))), found);
  });
});
