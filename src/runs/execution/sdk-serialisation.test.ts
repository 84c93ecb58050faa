import { Agent, Runner, setTracingDisabled, tool } from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { calling } from '../../../tests/support/counting-tool.ts';
import { execute } from '../../../tests/support/execute-run.ts';
import { createStubModel, itemsOf } from '../../../tests/support/stub-model.ts';
import { patchNestedRuns } from './sdk-patches.ts';

setTracingDisabled(true);
patchNestedRuns();

type Row = { id: number; name: string };
const rows = (): Row[] => Array.from({ length: 8_000 }, (_, id) => ({ id, name: `row ${id}` }));

/** An agent whose tool returns `make()`; `extract` is its `customDataExtractor`, and `guard` sees what it returned. */
function agentOf(make: () => unknown, { extract, guard }: Watched = {}) {
  const look = tool({
    name: 'look',
    description: 'Looks.',
    parameters: z.object({}),
    execute: async () => make(),
    ...(extract && { customDataExtractor: ({ output }: { output: unknown }) => extract(output) }),
    outputGuardrails: [
      {
        type: 'tool_output',
        name: 'see',
        run: async ({ output }) => {
          guard?.(output);
          return { behavior: { type: 'allow' } };
        },
      },
    ],
  });
  return new Agent({ name: 'main', tools: [look] });
}
type Watched = { extract?(output: unknown): Record<string, unknown>; guard?(output: unknown): void };

const reply = calling('look');

describe('of a large result', () => {
  test('the SDK makes no text for its log, which is off, and the service makes one', async () => {
    let asked = 0;
    class Price {
      toJSON() {
        asked += 1;
        return 12;
      }
    }
    const result = () => rows().map((row) => ({ ...row, price: new Price() }));
    const agent = agentOf(result);
    const { final } = await execute(agent, { reply });
    expect(final?.status).toBe('completed');
    expect(asked).toBe(2 * 8_000); // as what is recorded, and as the text that people are shown
  });

  test('a clone that the application makes is a clone', async () => {
    const same: boolean[] = [];
    const guard = (output: unknown) => {
      const clone = structuredClone(output);
      same.push(clone === output);
      (clone as Row[]).length = 0;
    };
    const { stub } = await execute(agentOf(rows, { guard }), { reply });
    expect(same).toEqual([false]);
    expect(JSON.stringify(itemsOf(stub.requests.at(-1) as never))).toContain('row 7999');
  });

  test('a customDataExtractor receives a clone, as with run()', async () => {
    const play = async (run: (agent: Agent) => Promise<unknown>) => {
      const seen: unknown[] = [];
      const extract = (output: unknown) => {
        seen.push((output as Row[]).splice(0).length);
        return {};
      };
      const agent = agentOf(rows, { extract, guard: (output) => seen.push((output as Row[]).length) });
      agent.on('agent_tool_end', (_context, _tool, text) => seen.push(JSON.parse(text).length));
      await run(agent);
      return seen;
    };
    const sdk = await play((agent) => new Runner({ modelProvider: createStubModel(reply).provider }).run(agent, 'Hi'));
    expect(sdk).toEqual([8_000, 8_000, 8_000]);
    expect(await play((agent) => execute(agent, { reply }))).toEqual(sdk);
  });

  test.each(['run_llm_again', 'stop_on_first_tool'] as const)(
    'what a guardrail changes is changed for the model, as with run(): %s',
    async (toolUseBehavior) => {
      const make = () => {
        const guard = (output: unknown) => (output as Row[]).splice(3);
        return agentOf(rows, { guard }).clone({ toolUseBehavior });
      };
      const sdk = createStubModel(reply);
      const { finalOutput } = await new Runner({ modelProvider: sdk.provider }).run(make(), 'hello');
      const { stub, final } = await execute(make(), { reply });
      expect(final?.response).toBe(finalOutput);
      expect(itemsOf(stub.requests.at(-1) as never).slice(1)).toEqual(itemsOf(sdk.requests.at(-1) as never).slice(1));
      expect(JSON.stringify([finalOutput, stub.requests.at(-1)?.input])).not.toContain('row 7999');
    },
  );

  test('its item has the text of what it is, after the application has changed it', async () => {
    const texts: unknown[] = [];
    const agent = agentOf(rows).clone({
      toolUseBehavior: async (_context, results) => {
        await new Promise(setImmediate);
        for (const result of results) {
          if (result.type !== 'function_output') continue;
          (result.output as Row[]).splice(1);
          texts.push((result.runItem.toJSON() as { output: unknown }).output);
        }
        return { isFinalOutput: true, isInterrupted: undefined, finalOutput: 'seen' };
      },
    });
    await execute(agent, { reply });
    expect(texts).toEqual([JSON.stringify(rows().slice(0, 1))]);
  });

  test('others have their turns while it is recorded and handed over', async () => {
    let turns = 0;
    let next = setImmediate(function count() {
      turns += 1;
      next = setImmediate(count);
    });
    const turnsOf = async (make: () => unknown) => {
      const before = turns;
      await execute(agentOf(make), { reply });
      return turns - before;
    };
    const small = await turnsOf(() => rows().slice(0, 10));
    const large = await turnsOf(() => Array.from({ length: 20 }, rows));
    clearImmediate(next);
    expect(large).toBeGreaterThan(small + 40);
  });
});

describe('items of a conversation with long strings', () => {
  const long = (end: string) => `${'x'.repeat(100_000)}${end}`;
  const message = (text: string) => ({ type: 'message' as const, role: 'user' as const, content: text });

  test.each([
    ['the same twice', [long('a'), long('a')]],
    ['with different ends', [long('a'), long('b'), long('a')]],
    ['that are no Unicode', [long('\ud800'), long('\ufffd'), long('\udfff')]],
  ])('are sent as with run(): %s', async (_, texts) => {
    const history = texts.map(message);
    const sdk = createStubModel(reply);
    await new Runner({ modelProvider: sdk.provider }).run(agentOf(rows), [...history, message('hello')]);
    const { stub } = await execute(agentOf(rows), { reply, history });
    const sent = ({ requests }: typeof sdk) => requests.map((request) => itemsOf(request).map((item) => item));
    expect(sent(stub).map((items) => JSON.stringify(items))).toEqual(sent(sdk).map((items) => JSON.stringify(items)));
  });

  test('have keys that tell them apart and are short, within runs alone', async () => {
    function agentInputSerializationReplacer(_key: string, value: unknown) {
      return value;
    }
    const keyOf = (text: string) => JSON.stringify(message(text), agentInputSerializationReplacer);
    expect(keyOf(long('a'))).toBe(JSON.stringify(message(long('a'))));
    const keys: string[] = [];
    const agent = agentOf(() =>
      keys.push(...[long('a'), long('b'), long('a'), 'a', long('\ud800'), long('\ufffd')].map(keyOf)),
    );
    await execute(agent, { reply });
    expect(keys[0]).toBe(keys[2]);
    expect(keys[0]).not.toBe(keys[1]);
    expect(keys[0]?.length).toBeLessThan(200);
    expect(keys[3]).toBe(JSON.stringify(message('a')));
    expect(keys[4]).not.toBe(keys[5]);
  });
});
