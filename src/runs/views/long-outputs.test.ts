import { expect, test } from 'vitest';
import { largeToolResults } from '../../../tests/support/tool-results.ts';
import { JsonText } from '../../storage/port/index.ts';
import { startedStep } from '../execution/step-record.ts';
import { recordOutput } from '../tool-outputs/tool-output.ts';
import { LongOutputs } from './long-outputs.ts';
import { toStepView } from './step-view.ts';

const start = { key: 't', kind: 'tool_call' as const, scope: '', name: 'look', agent: null, callId: 'c', effect: null };

test.each(largeToolResults)('steps with long results have the JSON of other steps: %s', (_, make) => {
  const stored = JSON.stringify(recordOutput(make(), { tool: 'look', bytesMax: 100_000_000 }));
  const stepOf = (output: unknown) =>
    Object.assign(startedStep({ ...start, input: null }, 1, 1, 0), { status: 'completed', output });
  const long = new LongOutputs();
  const steps = [stepOf('$& short'), stepOf(new JsonText(null, stored)), stepOf(new JsonText(null, stored))];
  const data = steps.map((step) => long.toView(step));
  expect(JSON.stringify(data).length).toBeLessThan(5_000);
  const parsed = [stepOf('$& short'), stepOf(JSON.parse(stored)), stepOf(JSON.parse(stored))];
  expect(long.stringify({ data })).toBe(JSON.stringify({ data: parsed.map((step) => toStepView(step)) }));
});
