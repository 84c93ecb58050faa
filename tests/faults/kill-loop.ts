import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Effect, effectsIn } from '../support/effects-file.ts';
import type { EngineUnderTest } from '../support/engines.ts';
import type { ScriptEntry } from '../support/fake-provider/reply.ts';
import type { FakeProvider } from '../support/fake-provider.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';
import { readEvents, textOf } from '../support/sse.ts';

/** More fault points than any of these runs passes. */
const pointsMax = 80;
/** `npm run test:faults:long` kills at every failpoint, `npm run test:faults` at each fourth one. */
const stride = process.env.FAULTS === 'long' ? 1 : 4;
const app = 'tests/support/apps/failpoints.ts';

/** What happens to a process that dies on the way, and what must have become of it. */
export type Scenario = {
  name: string;
  script: ScriptEntry;
  /** The same for the process that resumes the run. Defaults to `script`. */
  scriptAfter?: ScriptEntry;
  /** Asks for a run and does with it what the scenario is about; may reject once the process is dead. */
  drive(victim: ServiceUnderTest, sessionId: string, provider: FakeProvider): Promise<unknown>;
  /** What the run is made of in the end. */
  expected: {
    modelCalls: number;
    steps: number;
    items: number;
    /** What the run context is in the end. Defaults to what it is without a change. */
    context?: object;
    /** What the last request to the provider has. Defaults to anything. */
    lastRequest?: RegExp;
  };
  /** Tools whose effect may happen at most once; all others at most twice, under one key. */
  once: string[];
};

type Item = { call_id: string; tool: string };

/** What a person says to that for which a run waits. */
export function decisionsFor(action: { type: string; items: Item[] }): object[] {
  if (action.type === 'approval') return action.items.map(({ call_id }) => ({ call_id, decision: 'approve' }));
  // What the guardrail of the agents returns, or what their tools do.
  const resultOf = (tool: string) => (tool === 'audit' ? { tripwireTriggered: false, outputInfo: null } : 'noted');
  return action.items.map(({ call_id, tool }) => ({ call_id, decision: 'use_result', result: resultOf(tool) }));
}

/** Follows a run to its end, deciding on the way. */
export async function untilOver(service: ServiceUnderTest, runId: string) {
  for (;;) {
    const events = await readEvents(await fetch(`${service.url}/api/v1/runs/${runId}/events`)).all();
    const { body } = await service.get(`/api/v1/runs/${runId}`);
    if (body.status === 'completed') return { run: body, events };
    if (body.status !== 'requires_action') throw new Error(`The run is ${body.status}: ${JSON.stringify(body.error)}`);
    const decisions = decisionsFor(body.required_action as { type: string; items: Item[] });
    const { status, text } = await service.post(`/api/v1/runs/${runId}/decisions`, { decisions });
    if (status === 422) throw new Error(`The decision is refused: ${text}`);
  }
}

function expectEffects(effects: readonly Effect[], once: readonly string[]): void {
  for (const tool of new Set(effects.map((effect) => effect.tool))) {
    const keys = effects.filter((effect) => effect.tool === tool).map(({ key }) => key);
    expect(new Set(keys).size, tool).toBe(1);
    expect(keys.length, tool).toBeLessThanOrEqual(once.includes(tool) ? 1 : 2);
  }
}

const requestsOf = async (provider: FakeProvider) =>
  (await provider.requests()).filter(({ path }) => path === '/v1/responses').length;

/** One process that dies at its `killAt`-th fault point, and one that goes on; false if the first did not die. */
async function round(engine: EngineUnderTest, provider: FakeProvider, scenario: Scenario, killAt: number) {
  const folder = mkdtempSync(join(tmpdir(), 'agent-service-kill-'));
  const file = join(folder, 'effects.log');
  const common = { provider, app, dataDir: folder };
  const env = { ...engine.env, EFFECTS_FILE: file, RUN_LEASE: '1' };
  const sessionId = `loop-${scenario.name.replaceAll(' ', '-')}-${killAt}`;
  const { expected, script } = scenario;
  try {
    await provider.reset();
    await provider.script(script);
    await using victim = await startService({ ...common, env: { ...env, KILL_AT: `${killAt}` } });
    const driven = scenario.drive(victim, sessionId, provider).then(
      () => 'driven',
      () => victim.exited,
    );
    const killed = (await Promise.race([victim.exited, driven])) === 'SIGKILL';
    victim.kill('SIGKILL');
    await victim.exited;
    const before = await requestsOf(provider);
    await provider.reset();
    await provider.script(scenario.scriptAfter ?? script);

    await using survivor = await startService({ ...common, env });
    const { body } = await survivor.get(`/api/v1/runs?session_id=${sessionId}`);
    const [{ run_id }] = body.data as [{ run_id: string }];
    const { run, events } = await untilOver(survivor, run_id);

    expect(run).toMatchObject({ response: 'All is noted.', drift: false });
    expect(run.context).toEqual(expected.context ?? null);
    expect(textOf(events)).toBe('All is noted.');
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => `${index + 1}`));
    if (expected.lastRequest && (await requestsOf(provider)) > 0) {
      expect(JSON.stringify((await provider.requests()).at(-1)?.body)).toMatch(expected.lastRequest);
    }
    expect(before + (await requestsOf(provider))).toBeLessThanOrEqual(expected.modelCalls + 1);
    expectEffects(effectsIn(file), scenario.once);
    const steps = (await survivor.get(`/api/v1/runs/${run_id}/steps`)).body.data as { status: string }[];
    expect(steps).toHaveLength(expected.steps);
    expect(steps.every(({ status }) => status === 'completed')).toBe(true);
    const items = (await survivor.get(`/api/v1/sessions/${sessionId}/items`)).body.data as unknown[];
    expect(items).toHaveLength(expected.items);
    return killed;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Kills a process at one fault point after the other, until one does not die. Returns how many points it passed. */
export async function killAtEachPoint(
  engine: EngineUnderTest,
  provider: FakeProvider,
  scenario: Scenario,
): Promise<number> {
  let killAt = 1;
  while (await round(engine, provider, scenario, killAt)) {
    killAt += stride;
    expect(killAt).toBeLessThan(pointsMax);
  }
  return killAt;
}
