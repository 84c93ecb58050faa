import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ServiceUnderTest, startService } from '../support/service.ts';
import { readEvents, type ServerSentEvent, textOf } from '../support/sse.ts';

let service: ServiceUnderTest;

beforeAll(async () => {
  service = await startService({ app: 'dist/examples/support-desk/main.js' });
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
});

const ask = (message: string, session_id?: string) => service.post('/api/v1/run', { message, session_id });

test('without a key a question goes from triage by a specialist and its tool to an answer, marked as simulated', async () => {
  const { status, body } = await ask('Where is my order 1001?');
  expect(status).toBe(200);
  expect(body).toMatchObject({ status: 'completed', simulated: true, agent: 'triage', last_agent: 'orders' });
  expect(body.response).toMatch(/^\[simulated\] .*1001/s);
  expect(body.tokens_used).toBeGreaterThan(0);
});

test('each event of a simulated run says so, and the flow can be seen', async () => {
  const response = await fetch(`${service.url}/api/v1/run/stream`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message: 'Where is my order 1001?' }),
  });
  const events = await readEvents(response).all();
  expect(events.every(({ data }) => data.simulated === true)).toBe(true);
  const told = events.map(({ event }) => event).filter((type) => type !== 'text.delta');
  expect(told).toEqual(['run.created', 'run.started', 'handoff', 'tool.started', 'tool.completed', 'run.completed']);
  const lastRun = (events.at(-1) as ServerSentEvent).data.run as { response: string };
  expect(textOf(events)).toBe(lastRun.response);
});

test('a question about money goes to billing', async () => {
  const { body } = await ask('Which invoices are there for order 1002?');
  expect(body).toMatchObject({ status: 'completed', last_agent: 'billing' });
});

test('a refund waits for a person', async () => {
  const { status, body } = await ask('Please refund order 1002, it arrived broken.');
  expect(status).toBe(202);
  expect(body).toMatchObject({ status: 'requires_action', required_action: { items: [{ tool: 'refund' }] } });
});

test('a follow-up question uses the conversation', async () => {
  await ask('Where is my order 1001?', 'follow-up');
  const { body } = await ask('And when does it arrive?', 'follow-up');
  expect(body.response).toContain('1001');
});

test('the same question has the same answer', async () => {
  const [one, other] = await Promise.all([ask('Where is my order 1003?'), ask('Where is my order 1003?')]);
  expect(one.body.response).toBe(other.body.response);
});
