import { describe, expect, test } from 'vitest';
import { dishonest } from './honest-error.ts';
import { createViewer } from './viewer.ts';

const closing = 'event: stream.closing\ndata: {"type":"stream.closing"}\n\n';
const sse = (seq: number, type: string, runId = 'run_1') =>
  `id: ${seq}\nevent: ${type}\ndata: ${JSON.stringify({ type, seq, run_id: runId })}\n\n`;
const stream = (...frames: string[]) => new Response(frames.join(''));

/** What a viewer notices in the streams of its connections, one after the other. */
async function noticed(...connections: Response[]): Promise<string[]> {
  const wrong: string[] = [];
  const viewer = createViewer('client 1:', (what) => wrong.push(what));
  for (const connection of connections) await viewer.read(connection, () => {});
  return wrong;
}

describe('a viewer of a load', () => {
  test('finds nothing wrong in a run that it followed over two connections', async () => {
    const first = stream(sse(1, 'run.created'), sse(2, 'run.started'), closing);
    expect(await noticed(first, stream(sse(3, 'text.delta'), sse(4, 'run.completed')))).toEqual([]);
  });

  test.each([
    {
      what: 'an event twice',
      frames: [sse(1, 'run.created'), sse(1, 'run.created')],
      found: /event 1 .* after event 1/,
    },
    { what: 'a gap', frames: [sse(1, 'run.created'), sse(3, 'run.started')], found: /event 3 .* after event 1/ },
    {
      what: 'an event of another run',
      frames: [sse(1, 'run.created'), sse(2, 'run.started', 'run_2')],
      found: /run_2/,
    },
    {
      what: 'an event after the last',
      frames: [sse(1, 'run.completed'), sse(2, 'text.delta')],
      found: /after the last/,
    },
    { what: 'half a stream that looks whole', frames: [sse(1, 'run.created')], found: /as if it were whole/ },
  ])('notices $what', async ({ frames, found }) => {
    expect((await noticed(stream(...frames, ...(found.source.includes('whole') ? [] : [closing])))).join('\n')).toMatch(
      found,
    );
  });
});

describe('an answer that refuses something', () => {
  const problem = (status: number, body: object, headers: Record<string, string> = {}) =>
    new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/problem+json', ...headers } });

  test('is honest with the catalogue’s code, its status, and a time to come back', () => {
    const response = problem(503, {}, { 'retry-after': '1' });
    expect(dishonest(response, '{"code":"store_unavailable","status":503}')).toEqual([]);
  });

  test.each([
    {
      why: 'it is no problem document',
      response: new Response('', { status: 500 }),
      body: 'oops',
      found: /content-type/,
    },
    {
      why: 'its code is unknown',
      response: problem(500, {}),
      body: '{"code":"oops","status":500}',
      found: /no catalogue/,
    },
    {
      why: 'its status is another',
      response: problem(500, {}),
      body: '{"code":"not_found","status":500}',
      found: /404/,
    },
    {
      why: 'it names no time',
      response: problem(503, {}),
      body: '{"code":"shutting_down","status":503}',
      found: /come back/,
    },
  ])('is not honest where $why', ({ response, body, found }) => {
    expect(dishonest(response, body).join('\n')).toMatch(found);
  });
});
