import { OpenAIProvider, Runner } from '@openai/agents';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { modelAgents } from '../support/apps/model-agents.ts';
import { type FakeProvider, type ScriptEntry, startFakeProvider } from '../support/fake-provider.ts';
import { startService } from '../support/service.ts';

const app = 'tests/support/apps/models.ts';

let provider: FakeProvider;

beforeAll(async () => {
  provider = await startFakeProvider();
});
beforeEach(() => provider.reset());
afterEach(() => vi.unstubAllEnvs());
afterAll(() => provider?.[Symbol.asyncDispose]());

type AgentName = keyof typeof modelAgents;

const calls = async () => (await provider.requests()).filter(({ path }) => path === '/v1/responses');
/** The bodies of the calls that the provider got since the last reset, as they were written. */
const bodies = async () => (await calls()).map(({ body }) => JSON.stringify(body));
const models = async () => (await calls()).map(({ body }) => body?.model);

/** What the SDK's own `run()` sends where its default model is this one. */
async function sentBySdk(agent: AgentName, script: ScriptEntry[], defaultModel: string, stream: boolean) {
  vi.stubEnv('OPENAI_DEFAULT_MODEL', defaultModel);
  await provider.script(...script);
  const modelProvider = new OpenAIProvider({ apiKey: 'sk-test', baseURL: provider.baseUrl, useResponses: true });
  const runner = new Runner({ modelProvider, tracingDisabled: true });
  if (stream) await (await runner.run(modelAgents[agent], 'Hi', { stream: true })).completed;
  else await runner.run(modelAgents[agent], 'Hi');
  const sent = await bodies();
  await provider.reset();
  return sent;
}

const answer: ScriptEntry[] = [{ text: 'Hello.' }];
const cases: { agent: AgentName; script: ScriptEntry[] }[] = [
  { agent: 'plain', script: answer },
  { agent: 'named', script: answer },
  { agent: 'prompt', script: answer },
  { agent: 'promptFunction', script: answer },
  { agent: 'promptAndModel', script: answer },
  { agent: 'handsOver', script: [{ turns: [{ handoffTo: 'prompt' }, 'Hello.'] }] },
  { agent: 'asks', script: [{ toolCalls: [{ name: 'ask_plain', arguments: { input: 'Go' } }] }, 'Inner.', 'Hello.'] },
];

describe.each(['gpt-4.1', 'gpt-5.6-luna'])('where the default model is %s', (OPENAI_MODEL) => {
  test("the requests of agents without a model, with one, and with a stored prompt are those of the SDK's run()", async () => {
    await using service = await startService({ provider, app, env: { OPENAI_MODEL } });
    for (const stream of [false, true]) {
      for (const { agent, script } of cases) {
        const expected = await sentBySdk(agent, script, OPENAI_MODEL, stream);
        await provider.script(...script);
        const { status } = await service.post(stream ? '/api/v1/run/stream' : '/api/v1/run', { message: 'Hi', agent });
        expect([agent, status]).toEqual([agent, 200]);
        expect(await bodies(), `${agent}, ${stream ? 'streamed' : 'blocking'}`).toEqual(expected);
        await provider.reset();
      }
    }
  });
});

test('a stored prompt of an agent without a model is sent without a model', async () => {
  await using service = await startService({ provider, app });
  for (const agent of ['prompt', 'promptFunction', 'promptAndModel']) {
    await service.post('/api/v1/run', { message: 'Hi', agent });
  }
  expect(await models()).toEqual([undefined, undefined, 'gpt-own']);
});

test.each([
  { env: {}, model: 'gpt-4.1', from: 'default of agent-service' },
  { env: { OPENAI_DEFAULT_MODEL: 'GPT-5.4' }, model: 'gpt-5.4', from: 'OPENAI_DEFAULT_MODEL' },
  { env: { OPENAI_MODEL: 'Own', OPENAI_DEFAULT_MODEL: 'gpt-5.4' }, model: 'Own', from: 'OPENAI_MODEL' },
])('an agent without a model uses $model in $env, and the start logs the model of each agent', async (row) => {
  const { env, model, from } = row;
  await using service = await startService({ provider, app, env });
  const { body } = await service.post('/api/v1/run', { message: 'Hi', agent: 'plain' });
  expect(await models()).toEqual([model]);
  const { body: steps } = await service.get(`/api/v1/runs/${body.run_id}/steps`);
  expect(steps).toMatchObject({ data: [{ model }] });
  const lines = service.logLines().filter(({ msg }) => msg === 'models of the agents');
  expect(lines).toMatchObject([
    {
      models: {
        plain: { model, from },
        named: { model: 'gpt-own', from: 'agent' },
        prompt: { model: 'that of the stored prompt', from: 'prompt' },
      },
    },
  ]);
});
