import { Agent, handoff, type Model, tool, webSearchTool } from '@openai/agents';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { AnyAgent } from './any-agent.ts';
import { effect } from './effect.ts';
import { createModelChoices } from './model-choices.ts';
import { createAgentRegistry } from './registry.ts';
import { agentView, listAgents } from './view.ts';
import { workflow } from './workflow.ts';

const parameters = z.object({ amount: z.number() });
const execute = async () => 'done';
const pay = (needsApproval?: Parameters<typeof tool>[0]['needsApproval']) =>
  tool({ name: 'pay', description: 'Pays.', parameters, execute, needsApproval: needsApproval as never });

const agent = (name: string, options: Partial<ConstructorParameters<typeof Agent>[0]> = {}): AnyAgent =>
  new Agent({ name, instructions: 'Hi.', ...options });

const choices = { modelsOf: () => [] };
const settings = { defaultModel: 'gpt-default', effectDefault: 'once', choices } as const;

async function viewOf(main: AnyAgent) {
  const [view] = await listAgents(createAgentRegistry({ main }), settings);
  return agentView.parse(view);
}

test('an agent is shown with its model, instructions, handoffs and tools', async () => {
  const second = agent('Second');
  const third = agent('Third');
  const main = agent('Main', { model: 'gpt-own', tools: [pay()], handoffs: [second, handoff(third)] });
  const views = await listAgents(createAgentRegistry({ main, second }), settings);
  expect(views[0]).toEqual({
    name: 'main',
    kind: 'agent',
    entry: true,
    model: 'gpt-own',
    models: [],
    instructions_preview: 'Hi.',
    handoffs: ['second', 'Third'],
    tools: [{ name: 'pay', description: 'Pays.', needs_approval: false, effect: 'once', effect_declared: false }],
  });
  expect(views.map(({ name, entry }) => [name, entry])).toEqual([
    ['main', true],
    ['second', false],
    ['Third', false],
  ]);
});

test('an agent with two names is listed under both, and only one of them is the entry', async () => {
  const main = agent('Main');
  const views = await listAgents(createAgentRegistry({ main, formerly: main }), settings);
  expect(views.map(({ name, entry }) => [name, entry])).toEqual([
    ['main', true],
    ['formerly', false],
  ]);
});

test('an agent is shown with the models that a request may choose for it', async () => {
  const agents = createAgentRegistry({ main: agent('Main', { handoffs: [agent('Second')] }) });
  const models = createModelChoices(agents, { main: ['gpt-small', 'gpt-large'] });
  const views = await listAgents(agents, { ...settings, choices: models });
  expect(views.map((view) => view.models)).toEqual([['gpt-small', 'gpt-large'], []]);
});

test('an agent that names no model uses the default of the service', async () => {
  expect(await viewOf(agent('Main'))).toMatchObject({ model: 'gpt-default' });
});

test('a model object of the agent is shown without a name', async () => {
  expect(await viewOf(agent('Main', { model: {} as Model }))).toMatchObject({ model: null });
});

test('long instructions are shown truncated, and dynamic ones as made for each run', async () => {
  expect((await viewOf(agent('Main', { instructions: 'x'.repeat(1_000) }))).instructions_preview).toBe('x'.repeat(200));
  const made = await viewOf(agent('Main', { instructions: () => 'secret' }));
  expect(made.instructions_preview).toBe('(made for each run)');
});

test('a tool of the provider, which has no description, is shown too', async () => {
  expect((await viewOf(agent('Main', { tools: [webSearchTool()] }))).tools).toMatchObject([
    { name: 'web_search', description: '', needs_approval: false },
  ]);
});

test.each([
  { needsApproval: undefined, shown: false },
  { needsApproval: false, shown: false },
  { needsApproval: true, shown: true },
  { needsApproval: async (_run: unknown, { amount }: { amount: number }) => amount > 10, shown: true },
  { needsApproval: async () => false, shown: false },
  { needsApproval: async () => true, shown: true },
  { needsApproval: () => Promise.reject(new Error('the rules cannot be read')), shown: true },
  {
    needsApproval: () => {
      throw new Error('nor be asked for');
    },
    shown: true,
  },
])('a tool whose approval is decided by $needsApproval is shown as $shown', async ({ needsApproval, shown }) => {
  const { tools } = await viewOf(agent('Main', { tools: [pay(needsApproval as never)] }));
  expect(tools[0]?.needs_approval).toBe(shown);
});

test('a tool is shown with its declared effect, or with the default marked as not declared', async () => {
  const helper = agent('Helper').asTool({ toolName: 'ask_helper', toolDescription: 'Asks.' });
  const tools = [effect(pay(), 'read'), { ...pay(), name: 'pay_more' }, helper, webSearchTool()];
  const view = await viewOf(agent('Main', { tools }));
  expect(view.tools.map(({ name, effect, effect_declared }) => [name, effect, effect_declared])).toEqual([
    ['pay', 'read', true],
    ['pay_more', 'once', false],
    ['ask_helper', 'idempotent', true],
    ['web_search', 'idempotent', true],
  ]);
});

test.each([
  [{}, 'gpt-default'],
  [{ model: 'gpt-own', prompt: { promptId: 'pmpt_1' } }, 'gpt-own'],
  [{ prompt: { promptId: 'pmpt_1' } }, null],
  [{ prompt: () => ({ promptId: 'pmpt_1' }) }, null],
])('an agent with %j is shown with the model %s', async (options, model) => {
  expect(await viewOf(agent('Main', options))).toMatchObject({ model });
});

test('a workflow is shown with its description, and the agents that it names are shown too', async () => {
  const writer = new Agent({ name: 'Writer' });
  const research = workflow({ description: 'Writes a report.', agents: [writer] }, () => 'done');
  const views = await listAgents(createAgentRegistry({ research }), settings);
  expect(views[0]).toEqual({
    name: 'research',
    kind: 'workflow',
    entry: true,
    model: null,
    models: [],
    instructions_preview: 'Writes a report.',
    handoffs: [],
    tools: [],
  });
  expect(views.slice(1).map(({ name, kind }) => [name, kind])).toEqual([['Writer', 'agent']]);
});
