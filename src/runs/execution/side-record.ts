import type { Step, StepChanges } from '../../storage/port/index.ts';
import { ContextRecord } from './context-record.ts';
import { HookRecord } from './hook-record.ts';

/** What the application's code does beside the steps of a run, during one attempt: see `StepChanges`. */
export class SideRecord {
  readonly contexts: ContextRecord;
  readonly hooks: HookRecord;
  #ordinal: number;

  constructor(steps: readonly Step[]) {
    this.contexts = new ContextRecord(steps);
    this.hooks = new HookRecord(steps);
    this.#ordinal = Math.max(0, ...steps.map(({ changes }) => changes?.ordinal ?? 0));
  }

  /** A recorded step is replayed. */
  replayed({ changes }: Step): void {
    if (changes) this.contexts.reach(changes.ordinal);
  }

  /**
   * What was done since the last step that was recorded; null for nothing.
   *
   * @throws {ServiceError} `context_not_plain`
   */
  take(): StepChanges | null {
    const context = this.contexts.take();
    const hooks = this.hooks.take();
    if (context.length === 0 && hooks.length === 0) return null;
    this.#ordinal += 1;
    return {
      ordinal: this.#ordinal,
      ...(context.length > 0 ? { context } : {}),
      ...(hooks.length > 0 ? { hooks } : {}),
    };
  }
}

/** What was done beside a step, and then beside no other one. */
export const joinChanges = (before: StepChanges | null, after: StepChanges): StepChanges => ({
  ordinal: after.ordinal,
  ...(before?.context || after.context ? { context: [...(before?.context ?? []), ...(after.context ?? [])] } : {}),
  ...(before?.hooks || after.hooks ? { hooks: [...(before?.hooks ?? []), ...(after.hooks ?? [])] } : {}),
});
