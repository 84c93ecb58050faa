import {
  Agent,
  type AgentInputItem,
  type ModelRequest,
  type SessionInputCallback,
  run as sdkRun,
  setTracingDisabled,
  tool,
} from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { execute } from '../../../tests/support/execute-run.ts';
import { createMemoryJournal } from '../../../tests/support/memory-journal.ts';
import { hasToolResult, itemsOf, type StubReply } from '../../../tests/support/stub-model.ts';
import type { JsonRecord } from '../../storage/port/index.ts';
import { approvalKey } from '../approvals/decisions.ts';
import { patchNestedRuns } from '../execution/sdk-patches.ts';

setTracingDisabled(true);
patchNestedRuns();

const said = (content: string): JsonRecord => ({ type: 'message', role: 'user', content });
const answered = (text: string): JsonRecord => ({
  type: 'message',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text }],
});
const history = [said('one'), answered('1'), said('two'), answered('2')];
const modes = ['blocking', 'stream'] as const;

const lookup = tool({
  name: 'lookup',
  description: 'looks up',
  parameters: z.object({}),
  execute: async () => 'found',
});
const oneTool = (request: ModelRequest): StubReply =>
  hasToolResult(request) ? 'done' : [{ call: 'lookup', id: 'call_1' }];
const main = (...tools: (typeof lookup)[]) => new Agent({ name: 'main', tools });

/** The items of a request, as text. */
const textsOf = (request: ModelRequest | undefined): string[] =>
  request === undefined
    ? []
    : itemsOf(request).flatMap((item) => {
        if (!('role' in item)) return [String(item.type)];
        return typeof item.content === 'string'
          ? [item.content]
          : item.content.map((part) => ('text' in part ? part.text : ''));
      });
const contentsOf = (items: readonly JsonRecord[] | undefined) => items?.map(({ type, content }) => [type, content]);

/** A run without the option, for comparison. */
const plain = (mode: (typeof modes)[number], tools: (typeof lookup)[] = []) =>
  execute(main(...tools), { reply: tools.length > 0 ? oneTool : () => 'ok', mode, history });

describe.each(modes)('sessionInput in a %s run', (mode) => {
  test('chooses the items for the model, and the run stores the same as without it', async () => {
    const { stub, final } = await execute(main(lookup), {
      reply: oneTool,
      mode,
      history,
      sessionInput: (items, newItems) => [...items.slice(-2), ...newItems],
    });
    expect(textsOf(stub.requests[0])).toEqual(['two', '2', 'hello']);
    expect(textsOf(stub.requests[1])).toEqual(['two', '2', 'hello', 'function_call', 'function_call_result']);
    expect(final?.newItems).toEqual((await plain(mode, [lookup])).final?.newItems);
    expect(final?.newItems).toHaveLength(4);
  });

  test('may add items and change the user’s message; the original message is stored', async () => {
    const { stub, final } = await execute(main(), {
      reply: () => 'ok',
      mode,
      history,
      sessionInput: () => [
        { role: 'system', content: 'They counted to two.' },
        { role: 'user', content: 'hello, in French' },
      ],
    });
    expect(textsOf(stub.requests[0])).toEqual(['They counted to two.', 'hello, in French']);
    expect(contentsOf(final?.newItems)).toEqual(contentsOf((await plain(mode)).final?.newItems));
  });

  test('that leaves out a call leaves out its result, too', async () => {
    const withCall: JsonRecord[] = [
      said('one'),
      { type: 'function_call', callId: 'c1', name: 'lookup', arguments: '{}', status: 'completed' },
      {
        type: 'function_call_result',
        callId: 'c1',
        name: 'lookup',
        status: 'completed',
        output: { type: 'text', text: 'x' },
      },
      answered('1'),
    ];
    const { stub } = await execute(main(lookup), {
      reply: () => 'ok',
      mode,
      history: withCall,
      sessionInput: (items, newItems) => [...items.slice(-2), ...newItems],
    });
    expect(textsOf(stub.requests[0])).toEqual(['1', 'hello']);
  });

  test.each<[string, SessionInputCallback, string]>([
    [
      'throws',
      () => {
        throw new RangeError('secret 4711');
      },
      'RangeError',
    ],
    ['rejects', () => Promise.reject(new TypeError('secret 4711')), 'TypeError'],
    ['returns something other than a list', () => 'all of it' as unknown as AgentInputItem[], 'InvalidSessionInput'],
    [
      'returns a list of something other than items',
      () => ['hello'] as unknown as AgentInputItem[],
      'InvalidSessionInput',
    ],
    ['returns nothing', () => [], 'InvalidSessionInput'],
    ['leaves out the new message of the user', (items) => items, 'InvalidSessionInput'],
  ])(
    'that %s fails the run with a code of its own, and without the message of the error',
    async (_what, sessionInput, name) => {
      const { execution, final, stub } = await execute(main(), { reply: () => 'ok', mode, history, sessionInput });
      expect(final?.error).toEqual({
        code: 'session_input_failed',
        detail: `The application's sessionInput failed: ${name}`,
        retryable: false,
      });
      expect(final).toMatchObject({ status: 'failed', newItems: [] });
      expect(stub.calls()).toBe(0);
      const cause = execution.type === 'ended' ? (execution.cause as Error) : undefined;
      expect(cause?.cause).toBeInstanceOf(Error); // for the log
    },
  );

  test('may call a model, whose answer is journaled: executed again, the run calls no model', async () => {
    const journal = createMemoryJournal();
    const summarizer = new Agent({ name: 'summarizer', instructions: 'You are the summarizer.' });
    const sessionInput: SessionInputCallback = async (items, newItems) => {
      const { finalOutput } = await sdkRun(summarizer, JSON.stringify(items));
      return [{ role: 'system', content: finalOutput ?? '' }, ...newItems];
    };
    const reply = (request: ModelRequest) => (request.systemInstructions?.includes('summarizer') ? 'In short.' : 'ok');
    const first = await execute(main(), { reply, mode, history, sessionInput, journal });
    expect(first.stub.requests.map(textsOf)).toEqual([[JSON.stringify(history)], ['In short.', 'hello']]);
    const again = await execute(main(), { reply, mode, history, sessionInput, journal });
    expect(again.stub.calls()).toBe(0);
    expect(again.final).toMatchObject({ response: 'ok', newItems: first.final?.newItems, drift: false });
  });

  test("reports a model's failure inside of it as the provider's, not the application's", async () => {
    const asker = new Agent({ name: 'asker' });
    const { final } = await execute(main(), {
      reply: () => {
        throw Object.assign(new Error('overloaded'), { status: 503 });
      },
      mode,
      history,
      sessionInput: async (_items, newItems) => {
        await sdkRun(asker, 'short, please');
        return newItems;
      },
    });
    expect(final?.error).toMatchObject({ code: 'provider_unavailable', retryable: true });
  });
});

test('a run that goes on after an approval stores the message, the call, its result and the answer', async () => {
  const refund = tool({
    name: 'lookup',
    description: 'needs a person',
    parameters: z.object({}),
    needsApproval: true,
    execute: async () => 'found',
  });
  const journal = createMemoryJournal();
  const setup = {
    reply: oneTool,
    history,
    journal,
    sessionInput: (items: AgentInputItem[], more: AgentInputItem[]) => [...items.slice(-2), ...more],
  };
  const paused = await execute(main(refund), setup);
  expect(paused.execution.type).toBe('paused');
  const step = {
    ...(journal.steps()[0] as NonNullable<ReturnType<typeof journal.steps>[number]>),
    step: 99,
    key: approvalKey('call_1'),
    kind: 'approval' as const,
    callId: 'call_1',
    output: { decision: 'approve' },
    usage: null,
  };
  journal.write({ steps: [step], events: [] });
  const { final, stub } = await execute(main(refund), setup);
  expect(final?.newItems.map(({ type }) => type)).toEqual([
    'message',
    'function_call',
    'function_call_result',
    'message',
  ]);
  expect(textsOf(stub.requests[0])).toEqual(['two', '2', 'hello', 'function_call', 'function_call_result']);
});
