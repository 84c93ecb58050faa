import type { Step, Usage } from '../../storage/port/index.ts';
import { noUsage } from '../../storage/port/index.ts';
import { workKeys } from './step-record.ts';
import { addUsage } from './usage.ts';

/** Tokens of all model calls that were answered, each counted once however often it was replayed. */
export const usageOf = (steps: readonly Step[]): Usage =>
  steps.reduce((sum, step) => (step.usage ? addUsage(sum, step.usage) : sum), noUsage);

/** Cost of all model calls that were answered, in USD; null if the cost of one is unknown, or there is none. */
export function costUsdOf(steps: readonly Step[]): number | null {
  const costs = steps.flatMap(({ usage, costUsd }) => (usage === null ? [] : [costUsd]));
  return costs.length === 0 || costs.includes(null) ? null : costs.reduce<number>((sum, cost) => sum + (cost ?? 0), 0);
}

/** The known part of the cost of all model calls that were answered, in USD, each counted once. */
export const knownCostUsdOf = (steps: readonly Step[]): number =>
  steps.reduce((sum, { costUsd }) => sum + (costUsd ?? 0), 0);

/** The model of the last model call. */
export const lastModelOf = (steps: readonly Step[]): string | null =>
  steps.findLast((step) => step.kind === 'model_call')?.model ?? null;

/** What keys of work begin with: see `workKeys`. */
const workPrefixes = Object.values(workKeys);

/** Whether a step was reached in this attempt (`reached` holds keys), or is part of a tool call or other work that was. */
function isReached({ key, scope }: Step, reached: ReadonlySet<string>): boolean {
  if (reached.has(key)) return true;
  const enclosing = scope.split('/').map((_, index, parts) => parts.slice(1, index + 1).join('/'));
  return enclosing.some((path) => workPrefixes.some((prefix) => reached.has(`${prefix}:${path}`)));
}

/**
 * Whether a recorded step was replayed for another request, or, in a run that came to its end (`ended`), was not reached
 * at all.
 */
export const hasDrift = (steps: readonly Step[], reached: ReadonlySet<string>, ended: boolean): boolean =>
  steps.some((step) => step.drift || (ended && step.status !== 'started' && !isReached(step, reached)));
