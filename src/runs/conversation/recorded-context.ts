import type { JsonRecord, StepChanges } from '../../storage/port/index.ts';
import { applyChange } from './context-diff.ts';

/** The run context as these changes have left it; null if there are none. */
export function contextOf(changes: readonly StepChanges[]): JsonRecord | null {
  const ofRun = changes.flatMap(({ context = [] }) => context).filter(({ scope }) => scope === undefined);
  if (ofRun.length === 0) return null;
  const context: JsonRecord = {};
  for (const change of ofRun) applyChange(context, change);
  return context;
}
