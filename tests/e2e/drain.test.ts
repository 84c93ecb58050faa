import { once } from 'node:events';
import { connect as connectTo, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type EngineUnderTest, engines } from '../support/engines.ts';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { startProcesses } from '../support/processes.ts';
import type { ServiceUnderTest } from '../support/service.ts';
import { readEvents } from '../support/sse.ts';

const stopping = ({ msg }: { msg?: string }) => msg === 'stopping';
/** Two tool calls, one after the other, and then an answer. */
const script = {
  turns: [
    { toolCalls: [{ name: 'lookup_order', arguments: { order_id: '1' } }], hold: { name: 'first call' } },
    { toolCalls: [{ name: 'lookup_order', arguments: { order_id: '2' } }] },
    'All looked up.',
  ],
};

/** A connection to the API, for requests that are sent bit by bit. */
async function connect(url: string | undefined): Promise<Socket> {
  const { hostname, port } = new URL(url ?? '');
  const socket = connectTo(Number(port), hostname);
  await once(socket, 'connect');
  return socket;
}

async function ended(service: ServiceUnderTest, runId: unknown) {
  await readEvents(await fetch(`${service.url}/api/v1/runs/${runId}/events`)).all();
  return (await service.get(`/api/v1/runs/${runId}`)).body;
}

describe.each(engines)('a process that drains, on $name', ({ open }) => {
  let engine: EngineUnderTest;
  let provider: FakeProvider;

  beforeAll(async () => {
    [engine, provider] = await Promise.all([open(), startFakeProvider()]);
  });
  beforeEach(() => provider.reset());
  afterAll(async () => {
    await provider?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
  });

  test('hands a run in the background back before its next step; no step is repeated, and it is no crash', async () => {
    await using processes = startProcesses({ provider, env: engine.env });
    const first = await processes.start();
    await provider.script(script);
    const { body } = await first.post('/api/v1/runs', { message: 'Look them up' });
    await provider.held('first call');
    first.kill('SIGTERM');
    await first.logged(stopping);
    await provider.release('first call');
    expect(await first.exited).toBe(0);
    const second = await processes.start();
    expect(await ended(second, body.run_id)).toMatchObject({
      status: 'completed',
      response: 'All looked up.',
      attempt: 2,
      crashes: 0,
      drift: false,
    });
    const asked = (await provider.requests()).filter(({ path }) => path === '/v1/responses');
    expect(asked).toHaveLength(3);
    const { data } = (await second.get(`/api/v1/runs/${body.run_id}/steps`)).body as {
      data: { attempt: number }[];
    };
    expect(data.map(({ attempt }) => attempt)).toEqual([1, 2, 2, 2, 2]);
  });

  test('tells a caller who waits for a run that is still in line where to go on', async () => {
    await using processes = startProcesses({ provider, env: { ...engine.env, SHUTDOWN_GRACE: '1' } });
    const first = await processes.start();
    await provider.script({ turns: [{ text: 'Held.', hold: { name: 'holder' } }] });
    const holder = first.post('/api/v1/run', { message: 'Hold', session_id: 'drained' });
    await provider.held('holder');
    const inLine = first.post('/api/v1/run', { message: 'Wait', session_id: 'drained' });
    const listed = async () => (await first.get('/api/v1/runs?session_id=drained')).body.data as { status: string }[];
    while (!(await listed()).some(({ status }) => status === 'queued'));
    first.kill('SIGTERM');
    for (const answer of [await holder, await inLine]) {
      expect([answer.status, answer.body.code]).toEqual([503, 'shutting_down']);
      expect(answer.body.run_id).toMatch(/^run_/);
      expect(answer.headers.get('retry-after')).toBe('1');
    }
    await first.exited;
    const second = await processes.start();
    await provider.held('holder');
    await provider.release('holder', 2);
    for (const answer of [await holder, await inLine]) {
      expect(await ended(second, answer.body.run_id)).toMatchObject({ status: 'completed', crashes: 0 });
    }
  });

  test('takes a run whose request had arrived before PRESTOP_DELAY was over, however long its body takes', async () => {
    await using processes = startProcesses({ provider, env: { ...engine.env, PRESTOP_DELAY: '0.2' } });
    const first = await processes.start();
    await provider.script({ turns: ['Taken.'] });
    const idle = await connect(first.url);
    const slow = await connect(first.url);
    const body = JSON.stringify({ message: 'Take this' });
    slow.write(
      `POST /api/v1/run HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 5)}`,
    );
    // An answer on the other connection: the headers that were sent before have been read by now.
    idle.write('GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n');
    await once(idle, 'data');
    first.kill('SIGTERM');
    await once(idle, 'close'); // idle connections are closed at the end of PRESTOP_DELAY
    slow.write(body.slice(5));
    const answer = await text(slow);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toContain('"response":"Taken."');
    expect(await first.exited).toBe(0);
  });
});
