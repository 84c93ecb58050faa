import type { ModelRequest, StreamEvent } from '@openai/agents';
import { describe, expect, test } from 'vitest';
import type { Clock } from '../../platform/clock.ts';
import { createSimulatedModelProvider } from './index.ts';

const lookup: ModelRequest['tools'][number] = {
  type: 'function',
  name: 'lookup_order',
  description: 'Looks up an order.',
  parameters: {
    type: 'object',
    properties: { order: { type: 'string' } },
    required: ['order'],
    additionalProperties: false,
  },
  strict: true,
};

const request = (input: ModelRequest['input'], overrides: Partial<ModelRequest> = {}): ModelRequest => ({
  input,
  modelSettings: {},
  tools: [],
  outputType: 'text',
  handoffs: [],
  tracing: false,
  ...overrides,
});

/** A clock that records the delays of its sleeps and does not wait. */
function createRecordingClock() {
  const delaysMs: number[] = [];
  const clock: Clock = {
    nowMs: () => 0,
    monotonicMs: () => 0,
    sleep: async (delayMs, signal) => {
      signal?.throwIfAborted();
      delaysMs.push(delayMs);
    },
  };
  return { clock, delaysMs };
}

const model = async (wordDelayMs = 0, clock?: Clock) =>
  createSimulatedModelProvider({ wordDelayMs, ...(clock && { clock }) }).getModel();

async function collect(events: AsyncIterable<StreamEvent>): Promise<StreamEvent[]> {
  const all: StreamEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

const deltasOf = (events: StreamEvent[]) =>
  events.flatMap((event) => (event.type === 'output_text_delta' ? [event.delta] : []));

describe('a stream', () => {
  test('starts, has the answer word by word, and ends with the complete response', async () => {
    const events = await collect((await model()).getStreamedResponse(request('Hello')));
    const done = events.at(-1);
    expect(events[0]).toEqual({ type: 'response_started' });
    expect(deltasOf(events).length).toBeGreaterThan(5);
    expect(done).toMatchObject({
      type: 'response_done',
      response: { output: [{ role: 'assistant', content: [{ text: deltasOf(events).join('') }] }] },
    });
  });

  test('has the same response as a call without streaming', async () => {
    const events = await collect((await model()).getStreamedResponse(request('Hello')));
    const plain = await (await model()).getResponse(request('Hello'));
    expect(events.at(-1)).toMatchObject({
      response: { id: plain.responseId, output: plain.output, usage: { ...plain.usage } },
    });
  });

  test('of a tool call has no text', async () => {
    const events = await collect((await model()).getStreamedResponse(request('order 1001', { tools: [lookup] })));
    expect(events.map(({ type }) => type)).toEqual(['response_started', 'response_done']);
  });

  test('waits before each word, 15 ms by default', async () => {
    const { clock, delaysMs } = createRecordingClock();
    const slow = await createSimulatedModelProvider({ clock }).getModel();
    const events = await collect(slow.getStreamedResponse(request('Hello')));
    expect(delaysMs).toEqual(deltasOf(events).map(() => 15));
  });

  test('that is aborted half way rejects with the reason and has no response', async () => {
    const { clock } = createRecordingClock();
    for (const wordDelayMs of [0, 5]) {
      const abort = new AbortController();
      const seen: StreamEvent[] = [];
      const reading = async () => {
        const streaming = (await model(wordDelayMs, clock)).getStreamedResponse(
          request('Hello', { signal: abort.signal }),
        );
        for await (const event of streaming) {
          seen.push(event);
          if (deltasOf(seen).length === 3) abort.abort(new Error('The caller left.'));
        }
      };
      await expect(reading()).rejects.toThrow('The caller left.');
      expect(seen.map(({ type }) => type)).toEqual(['response_started', ...Array(3).fill('output_text_delta')]);
    }
  });
});

test('a call whose signal is aborted already rejects with the reason', async () => {
  const signal = AbortSignal.abort(new Error('Too late.'));
  await expect((await model()).getResponse(request('Hello', { signal }))).rejects.toThrow('Too late.');
  await expect(collect((await model()).getStreamedResponse(request('Hello', { signal })))).rejects.toThrow('Too late.');
});

describe('ids', () => {
  const asking = request([{ role: 'user', content: 'order 1001' }], { tools: [lookup] });

  test('are the same for the same request', async () => {
    const [one, other] = await Promise.all([(await model()).getResponse(asking), (await model()).getResponse(asking)]);
    expect(one).toEqual(other);
  });

  test('differ within a conversation, even for the same message', async () => {
    const first = await (await model()).getResponse(asking);
    const call = first.output[0];
    if (call?.type !== 'function_call') throw new Error('expected a call');
    const input: ModelRequest['input'] = [
      { role: 'user', content: 'order 1001' },
      call,
      { type: 'function_call_result', callId: call.callId, name: call.name, status: 'completed', output: 'shipped' },
      { role: 'user', content: 'order 1001' },
    ];
    const second = await (await model()).getResponse(request(input, { tools: [lookup] }));
    expect(second.output[0]).toMatchObject({ type: 'function_call', name: 'lookup_order' });
    expect(second.output[0]).not.toMatchObject({ callId: call.callId });
    expect(second.responseId).not.toBe(first.responseId);
  });

  test('differ for requests that differ only in the previous response', async () => {
    const one = await (await model()).getResponse({ ...asking, previousResponseId: 'a' });
    const other = await (await model()).getResponse({ ...asking, previousResponseId: 'b' });
    expect(one.output).not.toEqual(other.output);
  });
});

test('usage has one token for every four characters of input and output', async () => {
  const short = await (await model()).getResponse(request('Hi'));
  const long = await (await model()).getResponse(request('Hi', { systemInstructions: 'x'.repeat(400) }));
  expect(long.usage.inputTokens - short.usage.inputTokens).toBe(100);
  expect(long.usage.outputTokens).toBe(short.usage.outputTokens);
  expect(short.usage.totalTokens).toBe(short.usage.inputTokens + short.usage.outputTokens);
  expect(short.usage.requests).toBe(1);
});

test('every response says that it is simulated', async () => {
  const { providerData } = await (await model()).getResponse(request('Hello'));
  expect(providerData).toEqual({ simulated: true });
});

test('tools with effects that are not simulated are never called', async () => {
  const hosted: ModelRequest['tools'][number] = { type: 'hosted_tool', name: 'web_search', providerData: {} };
  const deferred: ModelRequest['tools'][number] = { ...lookup, deferLoading: true };
  const response = await (await model()).getResponse(
    request('search the web for order 1001', { tools: [hosted, deferred] }),
  );
  expect(response.output[0]).toMatchObject({ type: 'message' });
});
