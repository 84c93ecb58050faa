import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { effectsIn } from '../support/effects-file.ts';
import { type EngineUnderTest, engines } from '../support/engines.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';
import { readEvents, textOf } from '../support/sse.ts';

/** More fault points than any of these runs passes. */
const pointsMax = 60;
/** `npm run test:faults` kills at every point, `npm test` at each fourth one. */
const stride = process.env.FAULTS === 'long' ? 1 : 4;
const app = 'tests/support/apps/fault-points.ts';

async function untilOver(service: ServiceUnderTest, runId: string) {
  for (;;) {
    const events = await readEvents(await fetch(`${service.url}/api/v1/runs/${runId}/events`)).all();
    const { body } = await service.get(`/api/v1/runs/${runId}`);
    if (body.status === 'completed') return { run: body, events };
    if (body.status !== 'requires_action') throw new Error(`The run is ${body.status}: ${JSON.stringify(body.error)}`);
    const { items } = body.required_action as { items: { call_id: string }[] };
    const decisions = items.map(({ call_id }) => ({ call_id, decision: 'use_result', result: 'noted' }));
    await service.post(`/api/v1/runs/${runId}/decisions`, { decisions });
  }
}

/** What each run does: three tools of different effects, two of them in parallel, then an answer. */
const script = {
  turns: [
    {
      toolCalls: [
        { name: 'note', arguments: { text: 'a' } },
        { name: 'note_once', arguments: { text: 'b' } },
      ],
    },
    { toolCalls: [{ name: 'look', arguments: { text: 'c' } }] },
    'All is noted.',
  ],
};
const modelCalls = script.turns.length;

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

  async function round(mode: 'run' | 'stream', killAt: number): Promise<boolean> {
    const folder = mkdtempSync(join(tmpdir(), 'agent-service-kill-'));
    const file = join(folder, 'effects.log');
    const common = { provider, app, dataDir: folder };
    const env = { ...engine.env, EFFECTS_FILE: file, RUN_LEASE: '1' };
    try {
      await provider.reset();
      await provider.script(script);
      const victim = await startService({ ...common, env: { ...env, KILL_AT: `${killAt}` } });
      const path = mode === 'stream' ? '/api/v1/run/stream' : '/api/v1/run';
      const asked = fetch(victim.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ message: 'Go', session_id: `loop-${mode}-${killAt}` }),
      })
        .then((response) => response.text())
        .then(
          () => 'answered' as const,
          () => 'lost' as const,
        );
      const end = await Promise.race([victim.exited, asked]);
      const survived = end === 'answered' && (await asked) === 'answered';
      const killed = !survived || (await Promise.race([victim.exited, Promise.resolve('alive')])) === 'SIGKILL';
      victim.kill('SIGKILL');
      await victim.exited;

      await using survivor = await startService({ ...common, env });
      const { body } = await survivor.get(`/api/v1/runs?session_id=loop-${mode}-${killAt}`);
      const [{ run_id }] = body.data as [{ run_id: string }];
      const { run, events } = await untilOver(survivor, run_id);

      expect(run.response).toBe('All is noted.');
      expect(textOf(events)).toBe('All is noted.');
      expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => `${index + 1}`));
      const requests = (await provider.requests()).filter((each) => each.path === '/v1/responses').length;
      expect(requests).toBeLessThanOrEqual(modelCalls + 1);
      const effects = effectsIn(file);
      expect(effects.filter(({ tool }) => tool === 'note_once').length).toBeLessThanOrEqual(1);
      for (const tool of ['note', 'look']) {
        const keys = effects.filter((effect) => effect.tool === tool).map(({ key }) => key);
        expect(new Set(keys).size).toBe(1);
        expect(keys.length).toBeLessThanOrEqual(2);
      }
      const steps = (await survivor.get(`/api/v1/runs/${run_id}/steps`)).body.data as { status: string }[];
      expect(steps).toHaveLength(modelCalls + 3);
      expect(steps.every(({ status }) => status === 'completed')).toBe(true);
      const items = (await survivor.get(`/api/v1/sessions/loop-${mode}-${killAt}/items`)).body.data as unknown[];
      expect(items).toHaveLength(8); // the message, three calls with their results, the answer
      return killed;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  test.each(['run', 'stream'] as const)(
    'loses no run, repeats no recorded step, and doubles no effect (%s)',
    async (mode) => {
      let killAt = 1;
      while (await round(mode, killAt)) {
        killAt += stride;
        expect(killAt).toBeLessThan(pointsMax);
      }
      expect(killAt).toBeGreaterThan(10); // it did pass through fault points
    },
    600_000,
  );
});
