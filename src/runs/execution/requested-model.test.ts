import { Agent, type ModelRequest, run as nestedRun, setTracingDisabled, tool } from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { execute } from '../../../tests/support/execute-run.ts';
import { journalAfter } from '../../../tests/support/runner-parity.ts';
import { hasToolResult, type StubReply } from '../../../tests/support/stub-model.ts';
import type { AnyAgent } from '../../agents/index.ts';
import { setSdkDefaultModel } from '../../platform/sdk-defaults.ts';
import { patchNestedRuns } from './sdk-patches.ts';

setTracingDisabled(true);
patchNestedRuns();
setSdkDefaultModel(process.env, 'gpt-4.1');

const ask: StubReply = [{ call: 'ask', args: { input: 'x' }, id: 'ask_1' }];
const is = (name: string, { systemInstructions }: ModelRequest) => systemInstructions?.includes(name) ?? false;

/** The models that each agent's calls were sent to, as the journal has them. */
const calledModels = ({ memory }: Awaited<ReturnType<typeof execute>>) =>
  memory
    .steps()
    .filter(({ kind }) => kind === 'model_call')
    .map(({ agent, name, model }) => `${agent}: ${name}, ${model}`);

describe('the model that a request chose', () => {
  test('is asked, and is that of the steps and of the run', async () => {
    const agent = new Agent({ name: 'main', model: 'gpt-own' });
    const models = { main: ['gpt-chosen'] };
    const plain = await execute(agent, { reply: () => 'done', models });
    expect(calledModels(plain)).toEqual(['main: gpt-own, gpt-own']);
    const chosen = await execute(agent, { reply: () => 'done', models, options: { model: 'gpt-chosen' } });
    expect(calledModels(chosen)).toEqual(['main: gpt-chosen, gpt-chosen']);
    expect(chosen.final?.model).toBe('gpt-chosen');
    expect(agent.model).toBe('gpt-own'); // outside of runs nothing has changed
  });

  test.each([
    { own: 'gpt-5', chosen: 'gpt-4.1' },
    { own: 'gpt-4.1', chosen: 'gpt-5' },
    { own: undefined, chosen: 'gpt-5.1' },
  ])('brings its own settings along, as in an agent that has it: $chosen in place of $own', async ({ own, chosen }) => {
    const settingsOf = async (agent: AnyAgent, model?: string) => {
      const setup = model === undefined ? {} : { models: { main: [model] }, options: { model } };
      const { stub } = await execute(agent, { reply: () => 'done', ...setup });
      return stub.requests[0]?.modelSettings;
    };
    const alone = await settingsOf(new Agent({ name: 'main', ...(own && { model: own }) }));
    const theirs = await settingsOf(new Agent({ name: 'main', model: chosen }));
    expect(theirs).not.toEqual(alone);
    expect(await settingsOf(new Agent({ name: 'main', ...(own && { model: own }) }), chosen)).toEqual(theirs);
  });

  test('is also that of the attempt after a crash, without drift', async () => {
    const note = tool({ name: 'ask', description: 'ask', parameters: z.object({}), execute: () => 'noted' });
    const agent = new Agent({ name: 'main', model: 'gpt-own', tools: [note] });
    const setup = {
      reply: (request: ModelRequest) => (hasToolResult(request) ? 'done' : ask),
      models: { main: ['gpt-chosen'] },
      options: { model: 'gpt-chosen' },
    };
    const whole = await execute(agent, setup);
    for (let steps = 0; steps <= whole.memory.steps().length; steps += 1) {
      const again = await execute(agent, { ...setup, journal: journalAfter(steps, whole.memory) });
      expect(again.final).toMatchObject({ status: 'completed', drift: false });
      expect(calledModels(again)).toEqual(Array(2).fill('main: gpt-chosen, gpt-chosen'));
    }
  });

  test('acts for each agent of the run that allows it, and for no other', async () => {
    const allowing = new Agent({ name: 'allowing', instructions: 'allowing', model: 'gpt-own' });
    const other = new Agent({ name: 'other', instructions: 'other', model: 'gpt-other', handoffs: [allowing] });
    const main = new Agent({ name: 'main', handoffs: [other] });
    const reply = (request: ModelRequest): StubReply => {
      if (is('allowing', request)) return 'done';
      return [
        { call: is('other', request) ? 'transfer_to_allowing' : 'transfer_to_other', id: `h${request.input.length}` },
      ];
    };
    const models = { main: ['gpt-chosen'], allowing: ['gpt-chosen', 'gpt-4.1'], other: ['gpt-4.1'] };
    const run = await execute(main, { reply, models, options: { model: 'gpt-chosen' } });
    expect(calledModels(run)).toEqual([
      'main: gpt-chosen, gpt-chosen',
      'other: gpt-other, gpt-other',
      'allowing: gpt-chosen, gpt-chosen',
    ]);
  });

  test('acts for agents used as tools, and not for a run() in a tool, which has its own configuration', async () => {
    const helper = new Agent({ name: 'helper', instructions: 'helper', model: 'gpt-own' });
    const ofTool = helper.asTool({ toolName: 'ask', toolDescription: 'asks' });
    const ofCode = tool({
      name: 'ask',
      description: 'asks',
      parameters: z.object({ input: z.string() }),
      execute: async ({ input }) => (await nestedRun(helper, input)).finalOutput,
    });
    const reply = (request: ModelRequest) => (is('helper', request) || hasToolResult(request) ? 'done' : ask);
    const helperModelOf = async (asked: typeof ofTool | typeof ofCode) => {
      const main = new Agent({ name: 'main', tools: [asked], handoffs: [helper] });
      const models = { main: ['gpt-chosen'], helper: ['gpt-chosen'] };
      const run = await execute(main, { reply, models, options: { model: 'gpt-chosen' } });
      return calledModels(run).find((each) => each.startsWith('helper'));
    };
    expect(await helperModelOf(ofTool)).toBe('helper: gpt-chosen, gpt-chosen');
    expect(await helperModelOf(ofCode)).toBe('helper: gpt-own, gpt-own');
  });

  test('is what budgets reserve for, and what costs are known of', async () => {
    const asked: string[] = [];
    const agent = new Agent({ name: 'main', model: 'gpt-own' });
    await execute(agent, {
      reply: () => 'done',
      models: { main: ['gpt-chosen'] },
      options: { model: 'gpt-chosen' },
      maxCostOf: ({ name }) => {
        asked.push(name);
        return { money: null, outputTokensMax: null };
      },
    });
    expect(asked).toEqual(['gpt-chosen']);
  });
});

describe('the limit of turns that a request chose', () => {
  const endless = () => {
    const note = tool({ name: 'ask', description: 'ask', parameters: z.object({}), execute: () => 'noted' });
    const agent = new Agent({ name: 'main', tools: [note] });
    const reply = (request: ModelRequest): StubReply => [{ call: 'ask', id: `c${request.input.length}` }];
    return { agent, reply };
  };

  test('ends the run, and its error names it', async () => {
    const { agent, reply } = endless();
    const { final, stub } = await execute(agent, { reply, options: { max_turns: 2 } });
    expect(final?.error).toMatchObject({
      code: 'max_turns_exceeded',
      detail: 'The run did not finish within 2 turns.',
    });
    expect(stub.calls()).toBe(2);
  });

  test('is the same in the attempt after a crash', async () => {
    const { agent, reply } = endless();
    const whole = await execute(agent, { reply, options: { max_turns: 2 } });
    for (let steps = 0; steps <= whole.memory.steps().length; steps += 1) {
      const journal = journalAfter(steps, whole.memory);
      const again = await execute(agent, { reply, options: { max_turns: 2 }, journal });
      expect(again.final?.error).toEqual(whole.final?.error);
      expect(again.memory.steps()).toHaveLength(whole.memory.steps().length);
    }
  });

  test('is that of the service where the request chose none', async () => {
    const { agent, reply } = endless();
    const { final } = await execute(agent, { reply, runner: { maxTurns: 3 } });
    expect(final?.error?.detail).toBe('The run did not finish within 3 turns.');
  });
});
