/** Points of the execution at which tests kill the process, one after the other. In production nothing happens there. */
export const failpoints = [
  'run.claimed',
  'journal.beforeAppend',
  'journal.afterAppend',
  'tool.beforeEffect',
  'tool.afterEffect',
  'model.speaking',
  'run.beforeEnd',
  'run.afterEnd',
  'run.beforeHandBack',
  'run.afterHandBack',
  'decision.beforeWrite',
  'decision.afterWrite',
] as const;
/** The name of a failpoint. */
export type Failpoint = (typeof failpoints)[number];

/** Called whenever a run passes a failpoint. */
export type HitFailpoint = (point: Failpoint) => void;

/** For production: no failpoint does anything. */
export const noFailpoints: HitFailpoint = () => {};
