import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EngineUnderTest, engines } from '../support/engines.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import type { ServiceUnderTest } from '../support/service.ts';
import { decisionsFor, killAtEachPoint, type Scenario, untilOver } from './kill-loop.ts';

const ask = (victim: ServiceUnderTest, path: string, sessionId: string, agent = 'worker') =>
  fetch(victim.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message: 'Go', session_id: sessionId, agent }),
  });
const call = (name: string) => ({ name, arguments: { text: name } });

const shellCall = {
  type: 'shell_call',
  id: 'sh_1',
  call_id: 'shell_1',
  status: 'completed',
  action: { commands: ['deploy'], timeout_ms: null, max_output_length: null },
};

/** Three tools of different effects, two of them in parallel, then an answer. */
const tools = {
  script: { turns: [{ toolCalls: [call('note'), call('note_once')] }, { toolCalls: [call('look')] }, 'All is noted.'] },
  // Of the items: the message, three calls with their results, the answer.
  expected: { modelCalls: 3, steps: 6, items: 8 },
  once: ['note_once'],
};

const lookFirst = { toolCalls: [call('look')] };
const thenNote = { toolCalls: [call('note')] };

const scenarios: Scenario[] = [
  {
    ...tools,
    name: 'a run that is waited for',
    drive: async (victim, sessionId) => (await ask(victim, '/api/v1/run', sessionId)).text(),
  },
  {
    ...tools,
    name: 'a stream',
    drive: async (victim, sessionId) => (await ask(victim, '/api/v1/run/stream', sessionId)).text(),
  },
  {
    name: 'two approvals',
    script: { turns: [{ toolCalls: [call('ask'), call('note')] }, { toolCalls: [call('ask_once')] }, 'All is noted.'] },
    async drive(victim, sessionId) {
      const run = (await (await ask(victim, '/api/v1/run', sessionId)).json()) as {
        run_id: string;
        required_action: Parameters<typeof decisionsFor>[0];
      };
      const decisions = decisionsFor(run.required_action);
      await victim.post(`/api/v1/runs/${run.run_id}/decisions`, { decisions });
      await untilOver(victim, run.run_id);
    },
    expected: { modelCalls: 3, steps: 8, items: 8 },
    once: ['ask_once'],
  },
  {
    name: 'effects beside function tools',
    script: {
      turns: [
        { toolCalls: [{ name: 'transfer_to_desk', arguments: {} }] },
        { items: [shellCall], toolCalls: [{ name: 'picture', arguments: {} }] },
        { toolCalls: [call('ask')] },
        'All is noted.',
      ],
    },
    async drive(victim, sessionId) {
      const run = (await (await ask(victim, '/api/v1/run', sessionId, 'front')).json()) as {
        run_id: string;
        required_action: Parameters<typeof decisionsFor>[0];
      };
      const decisions = decisionsFor(run.required_action);
      await victim.post(`/api/v1/runs/${run.run_id}/decisions`, { decisions });
      await untilOver(victim, run.run_id);
    },
    expected: {
      modelCalls: 4,
      steps: 10, // model calls, the guardrail, the handoff, the shell call, two tool calls and an approval
      items: 10,
      context: { log: ['handoff', 'picture'] },
      lastRequest: /data:image\/png;base64,AQIDBAUG/,
    },
    once: ['guardrail', 'shell'],
  },
  {
    name: 'a run that is handed back',
    script: { turns: [{ ...lookFirst, hold: { name: 'first call' } }, thenNote, 'All is noted.'] },
    scriptAfter: { turns: [lookFirst, thenNote, 'All is noted.'] },
    async drive(victim, sessionId, provider) {
      await (await ask(victim, '/api/v1/runs', sessionId)).text();
      await Promise.race([provider.held('first call'), victim.exited]);
      victim.kill('SIGTERM');
      await victim.logged(({ msg }) => msg === 'stopping');
      await provider.release('first call');
      await victim.exited;
    },
    expected: { modelCalls: 3, steps: 5, items: 6 },
    once: [],
  },
];

describe.each(engines)('a process killed at each fault point in turn, on $name', ({ open }) => {
  let engine: EngineUnderTest;
  let provider: FakeProvider;

  beforeAll(async () => {
    [engine, provider] = await Promise.all([open(), startFakeProvider()]);
  });
  afterAll(async () => {
    await provider?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
  });

  test.each(scenarios)(
    'loses no run, repeats no recorded step, and doubles no effect: $name',
    async (scenario) => {
      const passed = await killAtEachPoint(engine, provider, scenario);
      expect(passed).toBeGreaterThan(5); // it did pass through fault points
    },
    900_000,
  );
});
