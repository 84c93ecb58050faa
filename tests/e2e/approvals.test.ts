import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type EngineUnderTest, engines } from '../support/engines.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { startProcesses } from '../support/processes.ts';
import { type Answer, type ServiceUnderTest, startService } from '../support/service.ts';
import { readEvents } from '../support/sse.ts';

type Item = { call_id: string; tool: string; requested_at: string; expires_at: string };
const itemsIn = ({ body }: Pick<Answer, 'body'>) => (body.required_action as { items: Item[] }).items;

const refund = (order_id: string) => ({ name: 'refund', arguments: { order_id } });
const oneRefund = { turns: [{ toolCalls: [refund('7')] }, 'Refunded.'] };

async function ended(service: ServiceUnderTest, runId: unknown) {
  await readEvents(await fetch(`${service.url}/api/v1/runs/${runId}/events`)).all();
  return (await service.get(`/api/v1/runs/${runId}`)).body;
}

describe.each(engines)('approvals on $name', ({ name, open }) => {
  let engine: EngineUnderTest;
  let provider: FakeProvider;
  let service: ServiceUnderTest;

  beforeAll(async () => {
    [engine, provider] = await Promise.all([open(), startFakeProvider()]);
    service = await startService({ provider, env: engine.env });
  });
  beforeEach(() => provider.reset());
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
  });

  const decide = (runId: unknown, decisions: object[], by = service) =>
    by.post(`/api/v1/runs/${runId}/decisions`, { decisions });
  const approve = ({ call_id }: Item) => ({ call_id, decision: 'approve' });

  test('a blocking caller is answered 202 with what is to be decided, and until when', async () => {
    await provider.script(oneRefund);
    const answer = await service.post('/api/v1/run', { message: 'Refund 7' });
    expect([answer.status, answer.body.status]).toEqual([202, 'requires_action']);
    const [item] = itemsIn(answer);
    expect(item).toMatchObject({ tool: 'refund', arguments: { order_id: '7' }, agent: 'triage' });
    const days = (Date.parse(item?.expires_at ?? '') - Date.parse(item?.requested_at ?? '')) / 86_400_000;
    expect(days).toBe(7);
  });

  test('a stream ends after it has told what is to be decided, and goes on from there once that is done', async () => {
    await provider.script(oneRefund);
    const response = await fetch(`${service.url}/api/v1/run/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ message: 'Refund 7' }),
    });
    const events = await readEvents(response).all();
    const last = events.at(-1);
    expect(last?.event).toBe('run.requires_action');
    const action = last?.data.required_action as { items: Item[] };
    await decide(last?.data.run_id, action.items.map(approve));
    const rest = await fetch(`${service.url}/api/v1/runs/${last?.data.run_id}/events`, {
      headers: { 'last-event-id': `${last?.id}` },
    });
    const after = await readEvents(rest).all();
    expect(after[0]).toMatchObject({ event: 'run.resumed', data: { after: 'decision' } });
    expect(after.at(-1)?.event).toBe('run.completed');
  });

  test('parallel calls are decided one by one, and the run goes on after the last', async () => {
    await provider.script({ turns: [{ toolCalls: [refund('7'), refund('8')] }, 'Done.'] });
    const answer = await service.post('/api/v1/run', { message: 'Refund both' });
    const [first, second] = itemsIn(answer) as [Item, Item];
    const { body } = await decide(answer.body.run_id, [approve(first)]);
    expect(body.status).toBe('requires_action');
    expect(itemsIn({ body }).map(({ call_id }) => call_id)).toEqual([second.call_id]);
    const again = await decide(answer.body.run_id, [approve(first)]);
    expect([again.status, again.body.code]).toEqual([409, 'not_waiting']);
    await decide(answer.body.run_id, [{ call_id: second.call_id, decision: 'reject', reason: 'too late' }]);
    expect(await ended(service, answer.body.run_id)).toMatchObject({ status: 'completed', response: 'Done.' });
    const last = (await provider.requests()).at(-1);
    expect(JSON.stringify(last?.body)).toContain('too late');
    const steps = (await service.get(`/api/v1/runs/${answer.body.run_id}/steps`)).body.data as { kind: string }[];
    expect(steps.filter(({ kind }) => kind === 'approval')).toMatchObject([
      { output: { decision: 'approve', by: 'anonymous' } },
      { output: { decision: 'reject', by: 'anonymous', reason: 'too late' } },
    ]);
  });

  test('a decision for all calls of a tool is asked for once in a run, whichever process goes on with it', async () => {
    const turns = [{ toolCalls: [refund('7'), refund('8')] }, { toolCalls: [refund('9')] }, 'Done.'];
    await provider.script({ turns });
    const answer = await service.post('/api/v1/run', { message: 'Refund all' });
    const [first, second] = itemsIn(answer) as [Item, Item];
    const decision = { call_id: first.call_id, decision: 'approve', always: true };
    const refused = await decide(answer.body.run_id, [{ ...decision, decision: 'retry' }]);
    expect([refused.status, refused.body.code]).toEqual([422, 'validation_failed']);
    const { body } = await decide(answer.body.run_id, [decision]);
    expect(body).toMatchObject({ status: 'queued', required_action: null });
    expect(await ended(service, answer.body.run_id)).toMatchObject({ status: 'completed', drift: false });
    const steps = (await service.get(`/api/v1/runs/${answer.body.run_id}/steps`)).body.data as { kind: string }[];
    expect(steps.filter(({ kind }) => kind === 'approval')).toMatchObject([
      { call_id: first.call_id, output: { decision: 'approve', always: true } },
      { call_id: second.call_id, output: { decision: 'approve', covered_by: first.call_id } },
    ]);
    expect(steps.filter(({ kind }) => kind === 'tool_call')).toHaveLength(3);
  });

  test('while a run waits, its session is refused to others, with the run that is to be decided', async () => {
    await provider.script(oneRefund);
    const { body } = await service.post('/api/v1/run', { message: 'Refund 7', session_id: 'held' });
    const refused = await service.post('/api/v1/run', { message: 'And?', session_id: 'held' });
    expect([refused.status, refused.body.code]).toEqual([409, 'session_busy']);
    expect(refused.body.active_run_id).toBe(body.run_id);
  });

  test('a waiting run holds no place: as many may wait as come', async () => {
    await using processes = startProcesses({ provider, env: { ...(await open()).env, MAX_CONCURRENT_RUNS: '1' } });
    const small = await processes.start();
    await provider.script({ when: { lastUserContains: 'Refund' }, ...oneRefund });
    for (let n = 0; n < 5; n += 1) {
      expect((await small.post('/api/v1/run', { message: 'Refund 7' })).status).toBe(202);
    }
    expect((await small.post('/api/v1/run', { message: 'Hi' })).status).toBe(200);
  });

  test('a run without a decision in time fails, a later decision is refused, and its session is free', async () => {
    await using own = await open();
    await using processes = startProcesses({ provider, env: { ...own.env, APPROVAL_EXPIRY: '1' } });
    const hasty = await processes.start();
    await provider.script({ when: { lastUserContains: 'Refund' }, ...oneRefund });
    const { body } = await hasty.post('/api/v1/run', { message: 'Refund 7', session_id: 'late' });
    await hasty.logged(({ code }) => code === 'approval_expired');
    const { body: run } = await hasty.get(`/api/v1/runs/${body.run_id}`);
    expect(run).toMatchObject({ status: 'failed', error: { code: 'approval_expired', retryable: false } });
    expect((await decide(body.run_id, itemsIn({ body }).map(approve), hasty)).status).toBe(409);
    const { data: steps } = (await hasty.get(`/api/v1/runs/${body.run_id}/steps`)).body as { data: { kind: string }[] };
    expect(steps.map(({ kind }) => kind)).not.toContain('tool_call');
    expect((await hasty.post('/api/v1/run', { message: 'Hi', session_id: 'late' })).status).toBe(200);
    const events = await readEvents(await fetch(`${hasty.url}/api/v1/runs/${body.run_id}/events`)).all();
    expect(events.at(-1)?.event).toBe('run.failed');
  });

  test('a run that waits across two deploys and a kill is carried out once', async () => {
    await using own = await open();
    await using processes = startProcesses({ provider, env: own.env });
    await provider.script(oneRefund);
    const first = await processes.start();
    const answer = await first.post('/api/v1/run', { message: 'Refund 7', session_id: `deploys-${name}` });
    for (const signal of ['SIGTERM', 'SIGKILL', 'SIGTERM'] as const) {
      const next = await processes.start({ env: { APP_NAME: signal } }).catch(() => null);
      next?.kill(signal);
      await next?.exited;
      first.kill(signal);
      await first.exited;
    }
    const last = await processes.start();
    expect((await last.get(`/api/v1/runs/${answer.body.run_id}`)).body.status).toBe('requires_action');
    await decide(answer.body.run_id, itemsIn(answer).map(approve), last);
    expect(await ended(last, answer.body.run_id)).toMatchObject({ response: 'Refunded.', crashes: 0, drift: false });
    expect((await provider.requests()).filter(({ path }) => path === '/v1/responses')).toHaveLength(2);
    const { data } = (await last.get(`/api/v1/sessions/deploys-${name}/items`)).body as { data: unknown[] };
    expect(data).toHaveLength(4);
  });
});
