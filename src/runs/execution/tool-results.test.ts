import { Agent, run as nestedRun, Runner, setTracingDisabled } from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { calling, counting } from '../../../tests/support/counting-tool.ts';
import { execute } from '../../../tests/support/execute-run.ts';
import { createMemoryJournal } from '../../../tests/support/memory-journal.ts';
import { createStubModel, itemsOf, type StubReply } from '../../../tests/support/stub-model.ts';
import {
  largeToolResults,
  lookAt,
  lookTool,
  oddLargeToolResults,
  oddToolResults,
  plainLookTool,
  resultsIn,
  toolResults,
} from '../../../tests/support/tool-results.ts';
import type { RunMode } from '../../storage/port/index.ts';
import { patchNestedRuns } from './sdk-patches.ts';

setTracingDisabled(true);
patchNestedRuns();

type Behavior = 'run_llm_again' | 'stop_on_first_tool' | 'a function';

/** An agent with a tool that returns the value, and all that the application sees of it. */
function makeAgent(make: () => unknown, behavior: Behavior) {
  const seen: unknown[] = [];
  const agent = new Agent({
    name: 'main',
    tools: [lookTool(make, (value) => seen.push(value))],
    toolUseBehavior:
      behavior !== 'a function'
        ? behavior
        : async (_context, results) => {
            seen.push(results.map((result) => result.type === 'function_output' && lookAt(result.output)));
            return { isFinalOutput: true, isInterrupted: undefined, finalOutput: 'decided' };
          },
  });
  agent.on('agent_tool_end', (_context, _tool, text) => seen.push(text));
  return { agent, seen };
}

/** The same with a tool at whose results nobody looks but the SDK. */
const makePlain = (make: () => unknown): ReturnType<typeof makeAgent> => ({
  agent: new Agent({ name: 'main', tools: [plainLookTool(make)] }),
  seen: [],
});

const reply = calling('look');
const requestsOf = ({ requests }: ReturnType<typeof createStubModel>) =>
  requests.map((request) => resultsIn(itemsOf(request)));

/** What the SDK's own `run()` makes of it. */
async function ofSdk({ agent, seen }: ReturnType<typeof makeAgent>, mode: RunMode) {
  const stub = createStubModel(reply);
  const runner = new Runner({ modelProvider: stub.provider });
  const input = [{ type: 'message' as const, role: 'user' as const, content: 'hello' }];
  const streamed = async () => {
    const result = await runner.run(agent, input, { stream: true });
    await result.completed;
    return result;
  };
  const { finalOutput } = mode === 'stream' ? await streamed() : await runner.run(agent, input);
  return { response: finalOutput, requests: requestsOf(stub), seen };
}

/** Executes the run over the first `steps` recorded steps of an earlier execution, as after a crash. */
async function again(agent: ReturnType<typeof makeAgent>['agent'], mode: RunMode, first: Executed, steps: number) {
  const journal = createMemoryJournal();
  journal.write({ steps: first.memory.steps().slice(0, steps), events: [] });
  journal.attempts = 1;
  return execute(agent, { reply, mode, journal });
}
type Executed = Awaited<ReturnType<typeof execute>>;

describe.each(['blocking', 'stream'] as const)(
  'in a %s run, what a tool returns is for the application and the model what it is with run()',
  (mode) => {
    describe.each(['run_llm_again', 'stop_on_first_tool', 'a function'] as const)(
      'with toolUseBehavior %s',
      (behavior) => {
        // Large results differ from others in none of the two, so that each kind is tried once.
        const isTriedWithLarge = mode === 'blocking' ? behavior !== 'run_llm_again' : behavior === 'run_llm_again';
        test.each([...toolResults, ...(isTriedWithLarge ? largeToolResults : [])])('%s', async (_, make) => {
          const sdk = await ofSdk(makeAgent(make, behavior), mode);
          const { agent, seen } = makeAgent(make, behavior);
          const first = await execute(agent, { reply, mode });
          expect({ response: first.final?.response, requests: requestsOf(first.stub), seen }).toEqual(sdk);

          // Guardrails and hooks are not called again for what the journal holds; toolUseBehavior is.
          const steps = first.memory.steps();
          const afterTool = steps.findIndex(({ kind }) => kind === 'tool_call') + 1;
          for (const kept of [afterTool, steps.length]) {
            let calls = 0;
            const replayed = makeAgent(() => calls++, behavior);
            const second = await again(replayed.agent, mode, first, kept);
            expect(calls).toBe(0);
            expect(second.final).toMatchObject({ response: sdk.response, drift: false });
            expect(replayed.seen).toEqual(kept === afterTool ? sdk.seen : sdk.seen.filter(Array.isArray));
            expect(requestsOf(second.stub)).toEqual(kept === afterTool ? sdk.requests.slice(1) : []);
          }
        });
      },
    );
  },
);

describe.each(['blocking', 'stream'] as const)(
  'in a %s run, the model is told of a result what run() tells it',
  (mode) => {
    test.each([...oddToolResults, ...oddLargeToolResults])('%s', async (_, make) => {
      const sdk = await ofSdk(makePlain(make), mode);
      const { agent } = makePlain(make);
      const first = await execute(agent, { reply, mode });
      expect({ response: first.final?.response, requests: requestsOf(first.stub) }).toEqual({
        response: sdk.response,
        requests: sdk.requests,
      });

      const afterTool = first.memory.steps().findIndex(({ kind }) => kind === 'tool_call') + 1;
      let calls = 0;
      const replayed = makePlain(() => calls++);
      const second = await again(replayed.agent, mode, first, afterTool);
      expect(calls).toBe(0);
      expect(second.final).toMatchObject({ response: sdk.response, drift: false });
      expect(requestsOf(second.stub)).toEqual(sdk.requests.slice(1));
    });
  },
);

test.each(toolResults)('the items of a run inside a tool have the result as with run(): %s', async (_, make) => {
  const inner = () => new Agent({ name: 'inner', tools: [lookTool(make, () => {})] });
  const outputs = async (agent: Agent) =>
    (await nestedRun(agent, 'look')).newItems.map(
      (item) => item.type === 'tool_call_output_item' && lookAt(item.output),
    );
  const stub = createStubModel(reply);
  const sdk = (await new Runner({ modelProvider: stub.provider }).run(inner(), 'look')).newItems.map(
    (item) => item.type === 'tool_call_output_item' && lookAt(item.output),
  );
  const seen: unknown[] = [];
  const outer = counting('outer', async () => {
    seen.push(await outputs(inner()));
    return 'ok';
  });
  const agent = new Agent({ name: 'main', tools: [outer.tool] });
  const replyBoth = (request: Parameters<typeof reply>[0]) =>
    request.tools.some(({ name }) => name === 'look') ? reply(request) : calling('outer')(request);
  const first = await execute(agent, { reply: replyBoth });
  const journal = createMemoryJournal();
  journal.attempts = 1;
  // The outer call has begun only, so its run is executed again over the recorded steps of the inner one.
  const unfinished = first.memory.steps().filter(({ scope }) => scope !== '');
  journal.write({ steps: [...first.memory.steps().slice(0, 1), ...unfinished], events: [] });
  const second = await execute(agent, { reply: replyBoth, journal });
  expect([first.final?.status, second.final?.status]).toEqual(['completed', 'completed']);
  expect(seen).toEqual([sdk, sdk]);
});

test('a picture is in the journal of a run once, and in no event', async () => {
  const data = new Uint8Array(200_000).map((_, index) => index % 251);
  const { agent } = makeAgent(() => ({ type: 'image', image: { data, mediaType: 'image/png' } }), 'run_llm_again');
  const { memory } = await execute(agent, { reply });
  const base64 = Buffer.from(data).toString('base64');
  expect(JSON.stringify(memory.steps()).split(base64)).toHaveLength(2);
  expect(JSON.stringify(memory.steps()).length).toBeLessThan(base64.length + 5_000);
  expect(JSON.stringify(memory.events).length).toBeLessThan(2_000);
});

test('a result of a megabyte is in the journal once, and its event has the first 64 KiB', async () => {
  const rows = Array.from({ length: 100_000 }, (_, index) => `row ${index}`);
  const { agent } = makeAgent(() => ({ rows }), 'run_llm_again');
  const { memory } = await execute(agent, { reply });
  const chars = JSON.stringify(rows).length;
  expect(JSON.stringify(memory.steps()).length).toBeLessThan(chars + 5_000);
  const completed = memory.events.find(({ type }) => type === 'tool.completed');
  expect(completed?.data.output).toBe(
    `${JSON.stringify({ rows }).slice(0, 65_536)}… [${JSON.stringify({ rows }).length - 65_536} more characters]`,
  );
});

test('a result that is too large ends the run, and is not asked for again when the run is executed again', async () => {
  let calls = 0;
  const { agent } = makeAgent(() => {
    calls += 1;
    return 'x'.repeat(2_000);
  }, 'run_llm_again');
  const journal = createMemoryJournal({ toolOutputBytesMax: 1_000 });
  const error = {
    code: 'tool_output_too_large',
    detail: 'The tool "look" returned 2002 bytes; 1000 bytes are the most (TOOL_OUTPUT_MAX_BYTES).',
    retryable: false,
  };
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    const { final, stub } = await execute(agent, { reply, journal });
    expect(final).toMatchObject({ status: 'failed', error });
    expect([calls, stub.calls()]).toEqual([1, 2 - attempt]);
  }
});

test('a result that is too large ends the run, also in an agent used as a tool', async () => {
  const make = () => 'x'.repeat(2_000);
  const inner = new Agent({ name: 'inner', tools: [lookTool(make, () => {})] });
  const tools = [inner.asTool({ toolName: 'ask', toolDescription: 'Asks.' })];
  const outer = new Agent({ name: 'main', tools });
  const replyBoth = (request: Parameters<typeof reply>[0]): StubReply =>
    request.tools.some(({ name }) => name === 'look')
      ? reply(request)
      : [{ call: 'ask', args: { input: 'x' }, id: 'a' }];
  const journal = createMemoryJournal({ toolOutputBytesMax: 1_000 });
  const { final, stub } = await execute(outer, { reply: replyBoth, journal });
  expect(final).toMatchObject({ status: 'failed', error: { code: 'tool_output_too_large' } });
  expect(stub.calls()).toBe(2);
});
