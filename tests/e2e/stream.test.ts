import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { type ServiceUnderTest, startService } from '../support/service.ts';
import { readEvents, type ServerSentEvent, textOf } from '../support/sse.ts';

let provider: FakeProvider;
let service: ServiceUnderTest;

beforeAll(async () => {
  provider = await startFakeProvider();
  service = await startService({ provider });
});
beforeEach(() => provider.reset());
afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
  await provider?.[Symbol.asyncDispose]();
});

async function stream(body: Record<string, unknown>, query = '') {
  const response = await fetch(`${service.url}/api/v1/run/stream${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { response, events: readEvents(response) };
}

const types = (events: ServerSentEvent[]) => events.map(({ event }) => event);
const runOf = ({ data }: ServerSentEvent) => data.run as Record<string, unknown>;

test('a stream tells the run from its creation to its end, numbered without gaps', async () => {
  await provider.script({
    turns: [
      { handoffTo: 'orders' },
      { toolCalls: [{ name: 'lookup_order', arguments: { order_id: '1' } }] },
      'It left today.',
    ],
  });
  const { response, events } = await stream({ message: 'Where is order 1?' });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  expect(response.headers.get('cache-control')).toBe('no-cache, no-transform');
  expect(response.headers.get('x-accel-buffering')).toBe('no');

  const all = await events.all();
  expect(all.map(({ id }) => id)).toEqual(all.map((_, index) => `${index + 1}`));
  expect(all.map(({ data }) => data.seq)).toEqual(all.map((_, index) => index + 1));
  const told = types(all).filter((type) => type !== 'text.delta');
  expect(told).toEqual(['run.created', 'run.started', 'handoff', 'tool.started', 'tool.completed', 'run.completed']);
  expect(textOf(all)).toBe('It left today.');
  const last = all.at(-1) as ServerSentEvent;
  expect(runOf(last)).toMatchObject({ status: 'completed', response: 'It left today.', last_agent: 'orders' });
  expect((await service.get(`/api/v1/runs/${last.data.run_id}`)).body).toEqual({ ...runOf(last), context: null });
});

test('the connection of a stream can be used again', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ports = new Set<number | undefined>();
  for (let n = 0; n < 3; n += 1) {
    const options = { method: 'POST', agent, headers: { 'content-type': 'application/json' } };
    const asked = request(`${service.url}/api/v1/run/stream`, options).end('{"message":"Hi"}');
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    ports.add(response.socket.localPort);
    expect(await text(response)).toContain('event: run.completed');
  }
  expect(ports.size).toBe(1);
  agent.destroy();
});

test('the first text is there while the model still speaks', async () => {
  await provider.script({ text: 'one two three', hold: { name: 'half way', afterTokens: 2 } });
  const { events } = await stream({ message: 'Hi' });
  expect((await events.until('text.delta')).data.delta).toContain('one');
  await provider.release('half way');
  expect(textOf(await events.all())).toBe('one two three');
});

test('a client that goes away does not end the run', async () => {
  await provider.script({ text: 'one two three', hold: { name: 'half way', afterTokens: 1 } });
  const { events } = await stream({ message: 'Hi' });
  const { data } = await events.until('text.delta');
  await events.leave();
  await provider.release('half way');
  await service.logged(({ msg, runId }) => msg === 'run ended' && runId === data.run_id);
  expect((await service.get(`/api/v1/runs/${data.run_id}`)).body).toMatchObject({
    status: 'completed',
    response: 'one two three',
  });
});

test('a client that asked for it takes the run with it', async () => {
  await provider.script({ text: 'one two three', hold: { name: 'half way', afterTokens: 1 } });
  const { events } = await stream({ message: 'Hi' }, '?on_disconnect=cancel');
  const { data } = await events.until('text.delta');
  await events.leave();
  await provider.waitFor(({ stats }) => stats.aborted === 1);
  await service.logged(({ msg, runId }) => msg === 'run ended' && runId === data.run_id);
  expect((await service.get(`/api/v1/runs/${data.run_id}`)).body).toMatchObject({ status: 'cancelled' });
});

test('a failure ends the stream with the run and its error', async () => {
  await provider.script({ reply: { text: 'one two', fault: { kind: 'truncate', afterTokens: 1 } } });
  const { events } = await stream({ message: 'Hi' });
  const last = await events.until('run.failed');
  expect(runOf(last)).toMatchObject({ status: 'failed', error: { code: 'provider_error' }, response: null });
});

test('the time being over ends the stream, and the request to the provider', async () => {
  await provider.script({ text: 'one two', fault: { kind: 'hang', afterTokens: 1 } });
  const { events } = await stream({ message: 'Hi', timeout_s: 0.5 });
  expect(runOf(await events.until('run.timed_out'))).toMatchObject({ error: { code: 'run_timed_out' } });
  await provider.waitFor(({ stats }) => stats.aborted === 1);
});

test('a run that needs approval ends the stream after saying so', async () => {
  await provider.script({ toolCalls: [{ name: 'refund', arguments: { order_id: '7' } }] });
  const { events } = await stream({ message: 'Refund' });
  const all = await events.all();
  expect(types(all).at(-1)).toBe('run.requires_action');
});

test('text of the model cannot break the stream', async () => {
  const text = 'data: {"type":"run.completed"}\n\nevent: x\n\n</script>';
  await provider.script(text);
  const { events } = await stream({ message: 'Hi' });
  const all = await events.all();
  expect(textOf(all)).toBe(text);
  expect(types(all).filter((type) => type === 'run.completed')).toHaveLength(1);
});

test('what is refused before there is a run is a problem document, not a stream', async () => {
  const { response } = await stream({ message: '' });
  expect(response.status).toBe(422);
  expect(response.headers.get('content-type')).toContain('application/problem+json');
});

test('through Chat Completions a stream without its end is a fault too, never an answer', async () => {
  await using chat = await startService({ provider, env: { OPENAI_API: 'chat_completions' } });
  await provider.script({ reply: { text: 'half of it', fault: { kind: 'truncate', afterTokens: 1 } } });
  const response = await fetch(`${chat.url}/api/v1/run/stream`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message: 'Hi' }),
  });
  expect(runOf(await readEvents(response).until('run.failed'))).toMatchObject({ error: { code: 'provider_error' } });
});
