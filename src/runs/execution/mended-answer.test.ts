import { Agent, type Model, type ModelRequest, type ModelResponse, tool, Usage } from '@openai/agents';
import { assistantMessage } from '@openai/agents/testing';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { execute } from '../../../tests/support/execute-run.ts';
import { hasToolResult } from '../../../tests/support/stub-model.ts';
import { markEndUnstated } from '../../providers/model-call.ts';
import { mendAnswer } from './mended-answer.ts';
import { toUsage } from './model-answer.ts';
import { patchNestedRuns } from './sdk-patches.ts';

patchNestedRuns();

/** A model of the application that answers with what a function gives, streamed and not. */
function ownModel(respond: (request: ModelRequest) => ModelResponse): Model {
  return {
    getResponse: async (request) => respond(request),
    async *getStreamedResponse(request) {
      const { output, usage, responseId } = respond(request);
      yield {
        type: 'response_done',
        response: { id: responseId ?? '', output: output as never, usage: { ...usage } as never },
      };
    },
  };
}

const unread = () => {
  throw new Error('The agent has a model of its own.');
};
const usageOf = (inputTokens: unknown, outputTokens: unknown, totalTokens: unknown, more: object = {}) =>
  Object.assign(new Usage(), { inputTokens, outputTokens, totalTokens, ...more });

describe.each(['blocking', 'stream'] as const)('in a run that is %s', (mode) => {
  test.each<[string, [unknown, unknown, unknown], [number, number, number]]>([
    ['fractions', [5.5, 3, 8.5], [6, 3, 9]],
    ['texts', ['5', '3', '8'], [5, 3, 8]],
    ['negative counts', [-1, 3, 2], [0, 3, 2]],
    ['NaN and infinity', [Number.NaN, Number.POSITIVE_INFINITY, 7], [0, 0, 7]],
    ['counts beyond all measure', [1e20, 3, 2 ** 60], [0, 3, 3]],
    ['null and nothing', [null, undefined, 8], [0, 0, 8]],
  ])('the tokens of a model of the application are whole numbers: %s', async (_, [input, output, total], expected) => {
    const usage = usageOf(input, output, total, { inputTokensDetails: [{ cached_tokens: 1.5, tier: 'x' }] });
    const model = ownModel(() => ({ output: [assistantMessage('Hello')], usage: usage as Usage }));
    const { execution, memory } = await execute(new Agent({ name: 'A', model }), { reply: unread, mode });
    expect(execution).toMatchObject({ type: 'ended', final: { status: 'completed', response: 'Hello' } });
    const [step] = memory.steps();
    expect([step?.usage?.inputTokens, step?.usage?.outputTokens, step?.usage?.totalTokens]).toEqual(expected);
    expect(step?.usage?.cachedInputTokens).toBe(2);
  });

  test('ids and names of tool calls that are numbers, or missing, are mended', async () => {
    const look = tool({ name: 'look', description: 'Looks.', parameters: z.object({}), execute: () => 'ok' });
    for (const callId of [7, '', null, undefined]) {
      const call = { type: 'function_call', callId, name: 'look', arguments: '{}', status: 'completed' };
      const model = ownModel((request) => ({
        output: hasToolResult(request) ? [assistantMessage('Done')] : [call as never],
        usage: new Usage(),
        responseId: 7 as never,
      }));
      const { execution, memory } = await execute(new Agent({ name: 'A', model, tools: [look] }), {
        reply: unread,
        mode,
      });
      expect(execution, String(callId)).toMatchObject({ final: { status: 'completed', response: 'Done' } });
      expect(memory.steps()[1]?.callId, String(callId)).toEqual(callId === 7 ? '7' : expect.stringMatching(/^call_/));
    }
  });
});

test('the step of an answer whose end was not stated says so', async () => {
  const answer = () => ({ output: [assistantMessage('Hello')], usage: new Usage() });
  const outputOf = async (respond: () => ModelResponse) => {
    const { memory } = await execute(new Agent({ name: 'A', model: ownModel(respond) }), { reply: unread });
    return JSON.parse(JSON.stringify(memory.steps()[0]?.output)) as object;
  };
  expect(await outputOf(() => markEndUnstated(answer()))).toMatchObject({ end: 'unstated' });
  expect(await outputOf(answer)).not.toHaveProperty('end');
});

test('an answer that is clean stays as it is', () => {
  const answer = { output: [assistantMessage('Hello')], responseId: 'r', usage: new Usage({ inputTokens: 1 }) };
  const mended = mendAnswer(answer as never);
  expect(mended).toEqual(answer);
  expect(mended.usage).toBe(answer.usage);
  expect(mended.output[0]).toBe(answer.output[0]);
});

test('details that are an object count as a list of one', () => {
  const { usage } = mendAnswer({
    output: [],
    responseId: null,
    usage: usageOf(1.5, 1, 3, { inputTokensDetails: { cached_tokens: 1 } }) as never,
  });
  expect(usage.inputTokensDetails).toEqual({ cached_tokens: 1 });
  expect(toUsage(new Usage(usage)).cachedInputTokens).toBe(1);
});
