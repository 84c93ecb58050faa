import { isDeepStrictEqual } from 'node:util';
import { addUsage } from '../../../src/runs/execution/usage.ts';
import { finalStatuses, noUsage } from '../../../src/storage/port/index.ts';
import { type RunRecord, textOf } from './stored.ts';

const isFinal = (status: string) => (finalStatuses as readonly string[]).includes(status);

/** A run that came to an end, as it should: not lost, not left half written, its sums those of its steps. */
export function checkRun({ run, steps }: RunRecord): string[] {
  const wrong: string[] = [];
  if (!isFinal(run.status)) wrong.push(`is lost: it is still ${run.status}`);
  if (run.error?.code === 'poisoned') wrong.push('is lost: it was ended as poisoned');
  if (isFinal(run.status) !== (run.finishedAtMs !== null))
    wrong.push(`is ${run.status}, finished at ${run.finishedAtMs}`);
  if (isFinal(run.status) && run.ownerId !== null) wrong.push(`has ended and belongs to ${run.ownerId}`);
  if (isFinal(run.status) && run.requiredAction !== null) wrong.push('has ended and waits for a person');
  if (run.crashes > run.attempt) wrong.push(`crashed ${run.crashes} times in ${run.attempt} attempts`);
  const usage = steps.reduce((sum, step) => (step.usage ? addUsage(sum, step.usage) : sum), noUsage);
  if (run.status === 'completed' && !isDeepStrictEqual(usage, run.usage)) {
    wrong.push(`used ${JSON.stringify(run.usage)}, its steps ${JSON.stringify(usage)}`);
  }
  const last = steps.findLast(({ kind, scope }) => kind === 'model_call' && scope === '');
  if (run.status === 'completed' && run.output === null && (last === undefined || textOf(last) !== run.response)) {
    wrong.push(`was answered ${JSON.stringify(run.response)}, which is not what the model said last`);
  }
  return wrong;
}
