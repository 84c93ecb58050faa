import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { effectsIn } from '../support/effects-file.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';
import { readEvents } from '../support/sse.ts';

/** In seconds. */
const lease = 2;
const session = 's-1';
const app = 'tests/support/apps/failpoints.ts';

/** What each run does: a model call, a tool of each effect that changes something, and an answer. */
const script = (tool: string) => ({
  turns: [{ toolCalls: [{ name: tool, arguments: { text: 'a' } }] }, 'All is noted.'],
});

/** Whether a process is stopped (proc(5), `/proc/<pid>/stat`). */
const isStopped = (pid: number) => /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

/** Resolves when the process has stopped itself; each look lets a request of the test go by. */
async function untilStopped(service: ServiceUnderTest): Promise<void> {
  while (!isStopped(service.pid)) await new Promise(setImmediate);
}

/** Everything that is kept of a run. */
async function recordOf(service: ServiceUnderTest, runId: string) {
  const [run, steps, events, items] = await Promise.all([
    service.get(`/api/v1/runs/${runId}`),
    service.get(`/api/v1/runs/${runId}/steps`),
    service.get(`/api/v1/runs/${runId}/events`, { accept: 'application/json' }),
    service.get(`/api/v1/sessions/${session}/items`),
  ]);
  return { run: run.body, steps: steps.body.data, events: events.body.data, items: items.body.data };
}

type Replayed = { status: string; attempt: number; replayed: number };

/** The same once it says of each step that the attempt under way has met it, which is recorded a moment later. */
async function recordOnceReplayed(service: ServiceUnderTest, runId: string) {
  for (;;) {
    const record = await recordOf(service, runId);
    const ended = (record.steps as Replayed[]).filter(({ status }) => status !== 'started');
    if (ended.every(({ attempt, replayed }) => attempt + replayed === record.run.attempt)) return record;
  }
}

async function onlyRun(service: ServiceUnderTest): Promise<string> {
  const { body } = await service.get(`/api/v1/runs?session_id=${session}`);
  const [run, ...others] = body.data as { run_id: string }[];
  expect(others).toEqual([]);
  return run?.run_id ?? '';
}

/** Says that the calls are noted for which a run waits; false if it waits for no decision. */
async function decide(service: ServiceUnderTest, runId: string): Promise<boolean> {
  const { body } = await service.get(`/api/v1/runs/${runId}`);
  if (body.status !== 'requires_action') return false;
  const { items } = body.required_action as { items: { call_id: string }[] };
  const decisions = items.map(({ call_id }) => ({ call_id, decision: 'use_result', result: 'noted' }));
  await service.post(`/api/v1/runs/${runId}/decisions`, { decisions });
  return true;
}

/** Follows a run until it has ended or waits for a person. */
const follow = async (service: ServiceUnderTest, runId: string) =>
  readEvents(await fetch(`${service.url}/api/v1/runs/${runId}/events`)).all();

/** Follows a run to its end; for a person that it waits for, it is said that the call is noted. */
async function untilOver(service: ServiceUnderTest, runId: string): Promise<void> {
  do await follow(service, runId);
  while (await decide(service, runId));
}

const ask = (service: ServiceUnderTest) => service.post('/api/v1/run', { message: 'Go', session_id: session });

let provider: FakeProvider;
let folder: string;
let file: string;

beforeAll(async () => {
  provider = await startFakeProvider();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'agent-service-stopped-'));
  file = join(folder, 'effects.log');
  return () => rmSync(folder, { recursive: true, force: true });
});
afterAll(() => provider?.[Symbol.asyncDispose]());

const start = (env: Record<string, string>) =>
  startService({ provider, app, dataDir: folder, env: { EFFECTS_FILE: file, RUN_LEASE: `${lease}`, ...env } });

/**
 * Where the process stops itself, or nowhere: then the test stops it; how often the tool may be called over all; and
 * whether a person is asked, since the outcome of the call is not known.
 */
const places = [
  { place: 'waits for a model', stopAt: undefined, tool: 'note', callsMax: 1 },
  { place: 'has announced a call', stopAt: 'tool.beforeEffect', tool: 'note', callsMax: 1 },
  { place: 'has announced a call of once', stopAt: 'tool.beforeEffect', tool: 'note_once', callsMax: 0, asks: true },
  { place: 'has made a call', stopAt: 'tool.afterEffect', tool: 'note', callsMax: 2 },
  { place: 'has made a call of once', stopAt: 'tool.afterEffect', tool: 'note_once', callsMax: 1, asks: true },
  { place: 'is about to record an end', stopAt: 'run.beforeEnd', tool: 'note', callsMax: 1 },
];
/** `npm run test:faults:long` tries all of them, `npm run test:faults` each third one. */
const tried = places.filter((_, index) => process.env.FAULTS === 'long' || index % 3 === 0);

function expectEndedOnce({ run, steps, events, items }: Awaited<ReturnType<typeof recordOf>>): void {
  expect(run).toMatchObject({ status: 'completed', response: 'All is noted.' });
  expect((steps as { status: string }[]).map(({ status }) => status)).toEqual(['completed', 'completed', 'completed']);
  const told = events as { type: string; seq: number }[];
  expect(told.map(({ seq }) => seq)).toEqual(told.map((_, index) => index + 1));
  expect(told.filter(({ type }) => type === 'run.completed')).toHaveLength(1);
  expect(items).toHaveLength(4); // the message, the call with its result, the answer
}

function expectNotDoubled(callsMax: number): void {
  const calls = effectsIn(file);
  expect(calls.length).toBeLessThanOrEqual(callsMax);
  expect(new Set(calls.map(({ key }) => key)).size).toBeLessThanOrEqual(1);
}

describe('a process on Postgres that is stopped past its lease and continued', () => {
  let database: TestDatabase;
  let admin: pg.Client;

  beforeEach(async () => {
    database = await createTestDatabase();
    admin = new pg.Client({ connectionString: database.url });
    await admin.connect();
    return async () => {
      await admin.end();
      await database[Symbol.asyncDispose]();
    };
  });

  test.each(tried)('while it $place changes nothing of what another makes of its run', async (place) => {
    const { stopAt, tool, asks } = place;
    await provider.reset();
    if (stopAt === undefined) {
      await provider.script({ when: { nth: 1 }, reply: { text: 'Too late.', hold: { name: 'first' } } });
    }
    // The other process is in the middle of the run when the first one goes on.
    const when = { turn: 2, nth: stopAt === 'run.beforeEnd' ? 2 : 1 };
    await provider.script({ when, reply: { text: 'All is noted.', hold: { name: 'second' } } }, script(tool));
    const env = { DATABASE_URL: database.url };
    await using first = await start(stopAt === undefined ? env : { ...env, STOP_AT: stopAt });
    const asked = ask(first);
    if (stopAt === undefined) {
      await provider.held('first');
      first.kill('SIGSTOP');
    }
    await untilStopped(first);

    await using second = await start(env);
    const runId = await onlyRun(second);
    if (asks) {
      await follow(second, runId);
      expect(await decide(second, runId)).toBe(true);
    }
    await provider.held('second');
    const before = await recordOnceReplayed(second, runId);
    expect(before.run).toMatchObject({ status: 'running', attempt: asks ? 3 : 2, crashes: 1 });
    const { rows } = await admin.query('select id from processes where pid = $1', [first.pid]);

    first.kill('SIGCONT');
    await provider.release('first');
    await first.logged(({ msg, runId: id }) => msg === 'another process has taken this run over' && id === runId);
    await first.logged(({ msg }) => msg === 'this process was taken for dead; its runs are given up');
    expect(await recordOf(second, runId)).toEqual(before);

    await provider.release('second');
    expect(await asked).toMatchObject({ status: 200, body: { run_id: runId, response: 'All is noted.' } });
    expectEndedOnce(await recordOf(first, runId));
    expectNotDoubled(place.callsMax);

    expect((await first.post('/api/v1/run', { message: 'Again' })).body).toMatchObject({ status: 'completed' });
    const now = await admin.query('select id from processes where pid = $1 and lease_expires_at_ms > steady_ms()', [
      first.pid,
    ]);
    expect(now.rows).toHaveLength(1);
    expect(now.rows[0].id).not.toBe(rows[0].id);
  });
});

describe('the process on the embedded store that is stopped past its lease and continued', () => {
  test.each(tried)('while it $place notices, and its run ends once', async (place) => {
    await provider.reset();
    if (place.stopAt === undefined) {
      await provider.script({ when: { nth: 1 }, reply: { text: 'Too late.', hold: { name: 'first' } } });
    }
    await provider.script(script(place.tool));
    await using service = await start(place.stopAt === undefined ? {} : { STOP_AT: place.stopAt });
    const asked = ask(service);
    if (place.stopAt === undefined) {
      await provider.held('first');
      service.kill('SIGSTOP');
    }
    await untilStopped(service);
    // tidy: sleep because nothing happens in a stopped process, and its lease ends by nothing but time
    await new Promise((resolve) => setTimeout(resolve, lease * 1_000 + 100));
    service.kill('SIGCONT');
    await service.logged(({ msg }) => msg === 'this process was taken for dead; its runs are given up');
    await provider.release('first');
    const runId = await onlyRun(service);
    await untilOver(service, runId);
    await asked;

    expectEndedOnce(await recordOf(service, runId));
    expectNotDoubled(place.callsMax);
    expect((await service.post('/api/v1/run', { message: 'Again' })).body).toMatchObject({ status: 'completed' });
  });
});
