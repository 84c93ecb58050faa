/** Places where a process may die, by name: tests kill it at each of them in turn. Production passes by. */
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
/** A place where a process may die. */
export type Failpoint = (typeof failpoints)[number];

/** Called whenever a run passes a fault point. */
export type HitFailpoint = (point: Failpoint) => void;

/** What production wires: nothing happens. */
export const noFailpoints: HitFailpoint = () => {};
