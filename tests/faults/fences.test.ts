import { describe, expect, test } from 'vitest';
import {
  claimOne,
  finalRun,
  live,
  newEvent,
  newStep,
  noUsage,
  poison,
  start,
} from '../../src/storage/contract/fixture.contract.ts';
import type { Run, Step, Store } from '../../src/storage/port/index.ts';
import { engines } from '../support/engines.ts';
import { openUnfenced, type Unfenced } from './checker/unfenced-store.ts';
import { check, readStore } from './checker.ts';

const usage = { ...noUsage, requests: 1, totalTokens: 12 };
const call = (callId: string) => ({ output: [{ type: 'function_call', callId, name: 'look', arguments: '{}' }] });
const speech = (text: string) => ({ output: [{ type: 'message', content: [{ type: 'output_text', text }] }] });

/** A model's answer as a step of an attempt. */
const answered = (step: number, attempt: number, output: object): Step =>
  newStep(step, { key: `m::${step === 1 ? 0 : 1}`, attempt, output: output as Step['output'], usage });

const looked = (callId: string): Step =>
  newStep(2, {
    key: `t:${callId}`,
    kind: 'tool_call',
    name: 'look',
    callId,
    attempt: 2,
    effect: 'read',
    input: {},
    output: 'seen',
    usage: null,
  });

const tool = { step: 2, call_id: 'call_b', tool: 'look', arguments: {} };

/** A run whose first process is frozen while its model thinks, and that a second process takes over. */
async function takeOver(store: Store): Promise<Run> {
  for (const id of ['proc_frozen', 'proc_next']) await live(store, id);
  const { tenantId, id } = await start(store, { sessionId: null, ownerId: 'proc_frozen' });
  const started = newEvent(2, { type: 'run.started', data: { agent: 'triage' } });
  await store.journal.append(tenantId, id, 1, { steps: [], events: [started] });
  await store.processes.unregister('proc_frozen');
  await store.runs.recoverOrphans(poison, 10);
  return claimOne(store, 'proc_next');
}

const resumed = newEvent(3, { type: 'run.resumed', attempt: 2, data: { after: 'recovery' } });

/** The second process carries the run to its end; meanwhile the first one comes back with what its model answered. */
async function lateAppend(store: Store): Promise<boolean> {
  const run = await takeOver(store);
  const { tenantId, id } = run;
  const append = (attempt: number, steps: Step[], events = [] as ReturnType<typeof newEvent>[]) =>
    store.journal.append(tenantId, id, attempt, { steps, events });
  await append(2, [answered(1, 2, call('call_b'))], [resumed]);
  const late = await append(1, [answered(1, 1, call('call_a'))]);
  await append(
    2,
    [looked('call_b')],
    [
      newEvent(4, { type: 'tool.started', attempt: 2, data: tool }),
      newEvent(5, {
        type: 'tool.completed',
        attempt: 2,
        data: { ...tool, output: 'seen', is_error: false, duration_ms: 340 },
      }),
    ],
  );
  const steps = [answered(3, 2, speech('It left today.'))];
  const events = [
    newEvent(6, { attempt: 2, data: { step: 3, delta: 'It left today.' } }),
    newEvent(7, { type: 'run.completed', attempt: 2, data: {} }),
  ];
  const sum = { ...usage, requests: 2, totalTokens: 24 };
  await store.runs.finish(run, finalRun({ usage: sum, entries: { steps, events } }));
  return late;
}

/** The first process comes back with the end of the run, before the second one has written anything. */
async function lateFinish(store: Store): Promise<boolean> {
  const run = await takeOver(store);
  const finish = (attempt: number, before: ReturnType<typeof newEvent>[]) => {
    const seq = 3 + before.length;
    const steps = [answered(1, attempt, speech('It left today.'))];
    const events = [
      ...before,
      newEvent(seq, { attempt, data: { step: 1, delta: 'It left today.' } }),
      newEvent(seq + 1, { type: 'run.completed', attempt, data: {} }),
    ];
    return store.runs.finish({ ...run, attempt }, finalRun({ usage, entries: { steps, events } }));
  };
  const late = await finish(1, []);
  await finish(2, [resumed]);
  return late !== null;
}

const cases: { unfenced: Exclude<Unfenced, 'none'>; write: (store: Store) => Promise<boolean>; found: RegExp[] }[] = [
  {
    unfenced: 'append',
    write: lateAppend,
    found: [
      /no step for the call call_a/,
      /step for call_b, which no model called/,
      /did not meet step 1 .* attempt 1/,
    ],
  },
  { unfenced: 'finish', write: lateFinish, found: [/was ended by attempt 1 when attempt 2 had taken over/] },
];

describe.each(engines)('a process that comes back after its run was taken over, on $name', ({ name }) => {
  test.each(cases)('is refused its $unfenced, and leaves nothing behind that is wrong', async ({ write }) => {
    await using opened = await openUnfenced(name, 'none');
    expect(await write(opened.store)).toBe(false);
    expect(check(await readStore(opened.address))).toEqual([]);
  });

  test.each(cases)('is found out by the checker where the fence of $unfenced is missing', async (planted) => {
    await using opened = await openUnfenced(name, planted.unfenced);
    expect(await planted.write(opened.store)).toBe(true);
    const wrong = check(await readStore(opened.address)).join('\n');
    for (const each of planted.found) expect(wrong).toMatch(each);
  });
});
