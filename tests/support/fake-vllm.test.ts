import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type FakeProvider, startFakeProvider } from './fake-provider.ts';

const model = 'qwen';
let provider: FakeProvider;
let client: OpenAI;

beforeAll(async () => {
  provider = await startFakeProvider({ models: [model], vllm: { maxNumSeqs: 2 } });
  client = new OpenAI({ baseURL: provider.baseUrl, apiKey: 'none', maxRetries: 0 });
});
beforeEach(() => provider.reset());
afterAll(() => provider[Symbol.asyncDispose]());

const page = async (path: string) => {
  const response = await fetch(new URL(path, provider.baseUrl));
  return { status: response.status, text: await response.text() };
};
const figure = async (name: string) =>
  Number(
    new RegExp(`^vllm:${name}\\{engine="0",model_name="${model}"\\} (.+)$`, 'm').exec(
      (await page('/metrics')).text,
    )?.[1],
  );
const ask = (signal?: AbortSignal) =>
  client.chat.completions.create({ model, messages: [{ role: 'user', content: 'Hi' }] }, { signal });
const asked = (count: number) => provider.waitFor(({ stats }) => (stats.byModel[model] ?? 0) >= count);

describe('a fake vLLM', () => {
  test('is healthy, and names its model', async () => {
    expect(await page('/health')).toEqual({ status: 200, text: '' });
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual([model]);
  });

  test('works on so many calls at once, tells how many, and lets others wait in line', async () => {
    await provider.script({ when: {}, reply: { text: 'Done.', hold: { name: 'model' } } });
    const answers = [ask(), ask(), ask()];
    await asked(3);
    await provider.held('model', 2);
    expect([await figure('num_requests_running'), await figure('num_requests_waiting')]).toEqual([2, 1]);
    await provider.release('model');
    for (const answer of answers) expect((await answer).choices[0]?.message.content).toBe('Done.');
    expect([await figure('num_requests_running'), await figure('num_requests_waiting')]).toEqual([0, 0]);
  });

  test('forgets a call that is given up while it waits', async () => {
    await provider.script({ when: {}, reply: { text: 'Done.', hold: { name: 'model' } } });
    const answers = [ask(), ask()];
    await asked(2);
    const leaving = new AbortController();
    const left = ask(leaving.signal).catch((error: Error) => error.name);
    await asked(3);
    leaving.abort();
    expect(await left).toBe('Error');
    await provider.waitFor(({ stats }) => stats.aborted === 1);
    expect([await figure('num_requests_running'), await figure('num_requests_waiting')]).toEqual([2, 0]);
    await provider.release('model');
    await Promise.all(answers);
  });
});
