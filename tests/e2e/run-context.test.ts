import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type EngineUnderTest, engines } from '../support/engines.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';

const app = 'tests/support/apps/kept-context.ts';

describe.each(engines)('the run context on $name', ({ open }) => {
  let engine: EngineUnderTest;
  let provider: FakeProvider;
  let service: ServiceUnderTest;

  beforeAll(async () => {
    [engine, provider] = await Promise.all([open(), startFakeProvider()]);
    service = await startService({ app, provider, env: engine.env });
  });
  beforeEach(() => provider.reset());
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
  });

  const contextOf = async (runId: unknown) => (await service.get(`/api/v1/runs/${runId}`)).body.context;

  /** A turn in which the agent notes its message. */
  async function noteIn(session: string, text: string) {
    await provider.reset();
    await provider.script({ when: { turn: 1 }, reply: { toolCalls: [{ name: 'note', arguments: { text } }] } });
    await provider.script('Noted.');
    const { body } = await service.post('/api/v1/run', { message: text, session_id: session });
    expect(body.status).toBe('completed');
    return body;
  }

  test('is shown on the run to who may read it, as its tools have left it, and not in the answer', async () => {
    const body = await noteIn('shown', 'blue');
    expect(body).not.toHaveProperty('context');
    expect(await contextOf(body.run_id)).toEqual({ visits: 1, log: ['blue'] });
  });

  test('goes on with the next run of the session', async () => {
    await noteIn('kept', 'one');
    const second = await noteIn('kept', 'two');
    expect(await contextOf(second.run_id)).toEqual({ visits: 2, log: ['one', 'two'] });
    const other = await noteIn('another', 'three');
    expect(await contextOf(other.run_id)).toEqual({ visits: 1, log: ['three'] });
  });

  test('goes on after a run that was cancelled while it waited for a person', async () => {
    await provider.script({
      when: { turn: 1 },
      reply: { toolCalls: [{ name: 'note', arguments: { text: 'before' } }] },
    });
    await provider.script({ when: { turn: 2 }, reply: { toolCalls: [{ name: 'pay', arguments: {} }] } });
    const { body } = await service.post('/api/v1/run', { message: 'pay', session_id: 'cancelled' });
    expect(body.status).toBe('requires_action');
    expect(await contextOf(body.run_id)).toEqual({ visits: 1, log: ['before'] });
    await service.post(`/api/v1/runs/${body.run_id}/cancel`, {});
    const next = await noteIn('cancelled', 'after');
    expect(await contextOf(next.run_id)).toEqual({ visits: 2, log: ['before', 'after'] });
  });

  test('is there after an approval', async () => {
    await provider.script({
      when: { turn: 1 },
      reply: { toolCalls: [{ name: 'note', arguments: { text: 'first' } }] },
    });
    await provider.script({ when: { turn: 2 }, reply: { toolCalls: [{ name: 'pay', arguments: {} }] } });
    await provider.script({ when: { turn: 3 }, reply: { toolCalls: [{ name: 'note', arguments: { text: 'last' } }] } });
    await provider.script('Done.');
    const { body } = await service.post('/api/v1/run', { message: 'pay' });
    const [item] = (body.required_action as { items: { call_id: string }[] }).items;
    const decisions = [{ call_id: item?.call_id, decision: 'approve' }];
    await service.post(`/api/v1/runs/${body.run_id}/decisions`, { decisions });
    const events = await service.request(`/api/v1/runs/${body.run_id}/events?after=${0}`);
    expect(events.text).toContain('run.completed');
    expect(await contextOf(body.run_id)).toEqual({ visits: 1, log: ['first', 'last'] });
  });
});

test('the context of a run is its own unless the application keeps it', async () => {
  await using provider = await startFakeProvider();
  await using service = await startService({ app, provider, env: { KEEP: 'run' } });
  for (const text of ['one', 'two']) {
    await provider.reset();
    await provider.script({ when: { turn: 1 }, reply: { toolCalls: [{ name: 'note', arguments: { text } }] } });
    await provider.script('Noted.');
    const { body } = await service.post('/api/v1/run', { message: text, session_id: 's-1' });
    const { context } = (await service.get(`/api/v1/runs/${body.run_id}`)).body;
    expect(context).toEqual({ visits: 1, log: [text] });
  }
});
