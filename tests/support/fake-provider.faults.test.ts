import OpenAI, {
  APIConnectionError,
  APIConnectionTimeoutError,
  APIError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  RateLimitError,
} from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type FakeProvider, type Fault, type Reply, startFakeProvider } from './fake-provider.ts';

let provider: FakeProvider;
let client: OpenAI;

beforeAll(async () => {
  provider = await startFakeProvider();
  client = new OpenAI({ baseURL: provider.baseUrl, apiKey: 'sk-test', maxRetries: 0, logLevel: 'off' });
});
beforeEach(() => provider.reset());
afterAll(() => provider[Symbol.asyncDispose]());

type Api = 'responses' | 'chat_completions';
const apis: Api[] = ['responses', 'chat_completions'];
const model = 'gpt-4.1';
const messages = [{ role: 'user' as const, content: 'Hi' }];

/** What a caller of the `openai` client gets to see. */
type Seen = { text: string; ended: boolean; error: unknown; onText?: (text: string) => void };

async function readStream(api: Api, seen: Seen, options?: OpenAI.RequestOptions): Promise<void> {
  if (api === 'responses') {
    for await (const event of await client.responses.create({ model, input: 'Hi', stream: true }, options)) {
      if (event.type === 'response.output_text.delta') seen.text += event.delta;
      seen.onText?.(seen.text);
      seen.ended ||= event.type === 'response.completed';
    }
    return;
  }
  for await (const chunk of await client.chat.completions.create({ model, messages, stream: true }, options)) {
    seen.text += chunk.choices[0]?.delta.content ?? '';
    seen.onText?.(seen.text);
    seen.ended ||= chunk.choices[0]?.finish_reason === 'stop';
  }
}

async function readWhole(api: Api, seen: Seen, options?: OpenAI.RequestOptions): Promise<void> {
  if (api === 'responses') {
    const response = await client.responses.create({ model, input: 'Hi' }, options);
    Object.assign(seen, { text: response.output_text, ended: response.status === 'completed' });
    return;
  }
  const completion = await client.chat.completions.create({ model, messages }, options);
  Object.assign(seen, { text: completion.choices?.[0]?.message.content ?? '', ended: true });
}

async function look(api: Api, streamed: boolean, options?: OpenAI.RequestOptions): Promise<Seen> {
  const seen: Seen = { text: '', ended: false, error: undefined };
  try {
    await (streamed ? readStream : readWhole)(api, seen, options);
  } catch (error) {
    seen.error = error;
  }
  return seen;
}

const text = 'one two three four';
const faulty = (fault: Fault): Reply => ({ text, fault });
const outcome = async () => (await provider.waitFor(({ stats }) => stats.inFlight === 0)).requests[0]?.outcome;

describe.each(apis)('%s: errors instead of an answer', (api) => {
  test.each([
    [{ status: 400 }, BadRequestError, { type: 'invalid_request_error' }],
    [{ status: 400, code: 'context_length_exceeded' }, BadRequestError, { code: 'context_length_exceeded' }],
    [{ status: 401 }, AuthenticationError, { code: 'invalid_api_key' }],
    [{ status: 429 }, RateLimitError, { code: 'rate_limit_exceeded' }],
    [{ status: 429, code: 'insufficient_quota' }, RateLimitError, { type: 'insufficient_quota' }],
    [{ status: 500 }, InternalServerError, { type: 'server_error' }],
    [{ status: 503 }, InternalServerError, { code: 'server_is_overloaded' }],
    [{ status: 529, message: 'Busy.' }, InternalServerError, { message: '529 Busy.' }],
  ])('%o', async (error, type, fields) => {
    await provider.script({ reply: { error } });
    for (const streamed of [false, true]) {
      const seen = await look(api, streamed);
      expect(seen.error).toBeInstanceOf(type);
      expect(seen.error).toMatchObject({ status: error.status, requestID: expect.any(String), ...fields });
    }
  });

  test('headers such as retry-after come with the error', async () => {
    await provider.script({ error: { status: 429 }, headers: { 'retry-after': '7' } });
    const { error } = await look(api, false);
    expect((error as APIError).headers?.get('retry-after')).toBe('7');
  });

  test('a client that retries gets the answer that comes after the errors', async () => {
    await provider.script({ error: { status: 500 }, headers: { 'retry-after-ms': '1' } }, 'Better now.');
    expect(await look(api, false, { maxRetries: 1 })).toMatchObject({ text: 'Better now.' });
  });
});

describe.each(apis)('%s: connections that break', (api) => {
  test.each([false, true])('before the headers: a connection error (streamed: %s)', async (streamed) => {
    for (const kind of ['cut', 'reset'] as const) {
      await provider.reset();
      await provider.script(faulty({ kind }));
      expect((await look(api, streamed)).error).toBeInstanceOf(APIConnectionError);
      expect(await outcome()).toBe('faulted');
    }
  });

  test.each(['cut', 'reset'] as const)(
    'a stream that is %s shows the tokens before and then an error',
    async (kind) => {
      await provider.script({ ...faulty({ kind, afterTokens: 2 }), hold: { name: 'gate', afterTokens: 2 } });
      const { promise: hasRead, resolve } = Promise.withResolvers<void>();
      const onText = (shown: string) => void (shown === 'one two' && resolve());
      const seen: Seen = { text: '', ended: false, error: undefined, onText };
      const reading = readStream(api, seen).catch((error) => error);
      await hasRead; // What a client has not read yet may be lost with the connection.
      await provider.release('gate');
      expect(await reading).toMatchObject({ name: 'TypeError', message: 'terminated' });
      expect(seen).toMatchObject({ text: 'one two', ended: false });
      expect(await outcome()).toBe('faulted');
    },
  );

  test('in the middle of a body: an error, and no answer', async () => {
    for (const kind of ['cut', 'reset'] as const) {
      await provider.script(faulty({ kind, afterTokens: 0 }));
      expect(await look(api, false)).toMatchObject({ text: '', error: { message: 'terminated' } });
    }
  });

  test('a truncated stream ends without an error and without its end', async () => {
    await provider.script(faulty({ kind: 'truncate', afterTokens: 2 }), faulty({ kind: 'truncate', afterTokens: 99 }));
    expect(await look(api, true)).toEqual({ text: 'one two', ended: false, error: undefined });
    expect(await look(api, true)).toEqual({ text, ended: false, error: undefined });
    expect(await outcome()).toBe('faulted');
  });

  test('a truncated body is a syntax error', async () => {
    await provider.script(faulty({ kind: 'truncate', afterTokens: 0 }));
    expect((await look(api, false)).error).toBeInstanceOf(SyntaxError);
  });
});

describe.each(apis)('%s: answers that are no answers', (api) => {
  test.each([false, true])('broken JSON is a syntax error (streamed: %s)', async (streamed) => {
    await provider.script(faulty({ kind: 'malformed', afterTokens: 2 }));
    const seen = await look(api, streamed);
    expect(seen.error).toBeInstanceOf(SyntaxError);
    expect(seen.text).toBe(streamed ? 'one two' : '');
  });

  test.each([{ kind: 'empty' }, { kind: 'html' }] as Fault[])('$kind, with status 200', async (fault) => {
    await provider.script({ reply: faulty(fault) });
    expect(await look(api, true)).toMatchObject({ text: '', ended: false });
    const response = await fetch(`${provider.baseUrl}/${api === 'responses' ? 'responses' : 'chat/completions'}`, {
      method: 'POST',
      body: JSON.stringify({ model, input: 'Hi', messages }),
    });
    expect(response.status).toBe(200);
    expect(await response.text()).toMatch(fault.kind === 'empty' ? /^$/ : /^<!doctype html>/);
  });

  test('a page with the status of a gateway is an error of that status', async () => {
    await provider.script(faulty({ kind: 'html', status: 502 }));
    expect((await look(api, true)).error).toMatchObject({ status: 502 });
  });

  test('a provider that fails in the stream sends an error after the tokens', async () => {
    await provider.script(faulty({ kind: 'failure', event: 'error', afterTokens: 2, code: 'overloaded' }));
    const seen = await look(api, true);
    expect(seen).toMatchObject({ text: 'one two', ended: false, error: { code: 'overloaded' } });
    expect(seen.error).toBeInstanceOf(APIError);
  });
});

test('a response that failed says so in its status, streamed and not', async () => {
  const failure = faulty({ kind: 'failure', afterTokens: 1, message: 'Boom.' });
  await provider.script({ reply: failure });
  const response = await client.responses.create({ model, input: 'Hi' });
  expect(response).toMatchObject({ status: 'failed', error: { code: 'server_error', message: 'Boom.' } });
  const types: string[] = [];
  for await (const { type } of await client.responses.create({ model, input: 'Hi', stream: true })) types.push(type);
  expect(types.at(-1)).toBe('response.failed');
});

describe.each(apis)('%s: silence, and clients that leave', (api) => {
  test.each([false, true])(
    'a provider that sends no headers runs into the timeout (streamed: %s)',
    async (streamed) => {
      await provider.script(faulty({ kind: 'hang' }));
      expect((await look(api, streamed, { timeout: 50 })).error).toBeInstanceOf(APIConnectionTimeoutError);
      expect(await outcome()).toBe('aborted');
    },
  );

  test('a stream that stalls stays open until the client leaves, which is counted as an abort', async () => {
    await provider.script(faulty({ kind: 'hang', afterTokens: 2, keepAliveMs: 5 }));
    const leave = new AbortController();
    const reading = look(api, true, { signal: leave.signal });
    await provider.waitFor(({ requests }) => requests[0]?.tokensSent === 2);
    expect(await provider.stats()).toMatchObject({ inFlight: 1, aborted: 0 });
    leave.abort();
    expect(await reading).toMatchObject({ ended: false });
    const { requests } = await provider.waitFor(({ stats }) => stats.aborted === 1);
    expect(requests[0]).toMatchObject({ outcome: 'aborted', tokensSent: 2 });
  });

  test('a client that leaves a held answer is counted as an abort', async () => {
    await provider.script({ text, hold: 'gate' });
    const leave = new AbortController();
    const reading = look(api, false, { signal: leave.signal });
    await provider.held('gate');
    leave.abort();
    expect((await reading).error).toBeDefined();
    const { stats } = await provider.waitFor((seen) => seen.stats.aborted === 1);
    expect(stats).toMatchObject({ inFlight: 0, completed: 0, held: {} });
  });
});
