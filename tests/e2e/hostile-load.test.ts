import { readFileSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { manyTokens, startFakeProvider } from '../support/fake-provider.ts';
import { bearer, holderOf, keyedEnv, makeKey } from '../support/keys.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';
import { readEvents, textOf } from '../support/sse.ts';

/** Memory that the process holds, in MiB. */
const memoryOf = ({ pid }: ServiceUnderTest): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

type Stream = { request: ClientRequest; response: IncomingMessage };

/** Opens a stream and reads nothing of it. */
function openStream(service: ServiceUnderTest, path: string, key: string): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const asked = request(`${service.url}${path}`, { agent: false, headers: bearer(key) }, (response) =>
      resolve({ request: asked, response }),
    );
    asked.on('error', reject);
    asked.end();
  });
}

describe('streams', () => {
  test('a thousand idle ones of one key are held, the next is refused, and others are served meanwhile', async () => {
    await using provider = await startFakeProvider();
    await using service = await startService({ provider, env: keyedEnv });
    await provider.script({ reply: { text: 'done', hold: 'answer' } });
    const [greedy, modest] = [
      await makeKey(service, { tenant: 'greedy' }),
      await makeKey(service, { tenant: 'modest' }),
    ];
    const { body } = await greedy.holder.post('/api/v1/runs', { message: 'Hi', agent: 'guarded' });
    await provider.held('answer');
    const path = `/api/v1/runs/${body.run_id}/events`;
    const before = memoryOf(service);
    const streams: Stream[] = [];
    for (let n = 0; n < 1_000; n += 100) {
      streams.push(...(await Promise.all(Array.from({ length: 100 }, () => openStream(service, path, greedy.text)))));
    }
    expect(streams.every(({ response }) => response.statusCode === 200)).toBe(true);
    const refused = await openStream(service, path, greedy.text);
    expect([refused.response.statusCode, refused.response.headers['retry-after']]).toEqual([429, '5']);
    refused.request.destroy();
    expect((await greedy.holder.stream({ message: 'Hi' })).status).toBe(429); // and no run is made for it
    expect((await greedy.holder.get('/api/v1/runs')).body.data).toHaveLength(1);
    expect((await modest.holder.get('/api/v1/runs')).status).toBe(200);
    expect(memoryOf(service) - before).toBeLessThan(300);
    streams[0]?.request.destroy();
    let again: Stream;
    do {
      again = await openStream(service, path, greedy.text); // a slot is free once the connection is seen to be closed
      if (again.response.statusCode !== 200) again.request.destroy();
    } while (again.response.statusCode !== 200);
    for (const each of [...streams, again]) each.request.destroy();
    await provider.release('answer');
  });

  test('a client that does not read slows no other down, and misses nothing once it reads', async () => {
    await using provider = await startFakeProvider();
    await using service = await startService({ provider, env: keyedEnv });
    const text = manyTokens(200_000); // two megabytes, many times what sockets buffer
    await provider.script({ reply: { text } });
    const holder = holderOf(service);
    const slow = await holder.stream({ message: 'Hi', agent: 'guarded' });
    const events = readEvents(slow);
    const { data } = await events.until('run.created');
    const fast = await fetch(`${service.url}/api/v1/runs/${data.run_id}/events`, holder);
    const before = memoryOf(service);
    expect(textOf(await readEvents(fast).all())).toBe(text);
    expect(memoryOf(service) - before).toBeLessThan(200);
    expect((await holder.get(`/api/v1/runs/${data.run_id}`)).body.status).toBe('completed');
    const all = await events.all();
    expect(textOf(all)).toBe(text);
    expect(all.map(({ id }) => Number(id))).toEqual(all.map((_, n) => n + 1));
  });
});

test('of ten times the rate, from fifty connections at once, exactly the burst is let in', async () => {
  await using provider = await startFakeProvider();
  await using service = await startService({
    provider,
    env: { ...keyedEnv, RATE_LIMIT_RPM: '1', RATE_LIMIT_BURST: '20' },
  });
  const holder = holderOf(service);
  const asked = Array.from({ length: 50 }, async () => {
    const answers = [];
    for (let n = 0; n < 4; n += 1)
      answers.push((await holder.post('/api/v1/run', { message: 'Hi', agent: 'guarded' })).status);
    return answers;
  });
  const statuses = (await Promise.all(asked)).flat();
  const letIn = statuses.filter((status) => status === 200).length;
  expect([20, 21]).toContain(letIn); // the burst, and one more where a minute has passed
  expect(statuses.filter((status) => status === 429)).toHaveLength(200 - letIn);
});

test('cancels and decisions that come at once settle a run once', async () => {
  await using provider = await startFakeProvider();
  await using service = await startService({ provider });
  await provider.script({
    turns: [{ toolCalls: [{ name: 'refund', arguments: { order_id: '1' }, callId: 'call_r' }] }, 'Paid.'],
  });
  const { body } = await service.post('/api/v1/run', { message: 'refund', agent: 'orders' });
  expect(body.status).toBe('requires_action');
  const decide = () =>
    service.post(`/api/v1/runs/${body.run_id}/decisions`, { decisions: [{ call_id: 'call_r', decision: 'approve' }] });
  const answers = await Promise.all(Array.from({ length: 10 }, decide));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array(9).fill(409)]);
  const cancels = await Promise.all(
    Array.from({ length: 10 }, () => service.post(`/api/v1/runs/${body.run_id}/cancel`, {})),
  );
  expect(cancels.every(({ status }) => status === 200)).toBe(true);
  const other = await service.post('/api/v1/run', { message: 'Hi', agent: 'guarded' });
  const misplaced = await service.post(`/api/v1/runs/${other.body.run_id}/decisions`, {
    decisions: [{ call_id: 'call_r', decision: 'approve' }],
  });
  expect([misplaced.status, misplaced.body.code]).toEqual([409, 'not_waiting']);
});
