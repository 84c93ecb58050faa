import { expect } from 'vitest';
import type { Judgement, World } from './postgres-world.ts';

/** All that clients may be told while the database is away. */
const honest = ['503 store_unavailable', '409 session_busy'];

/**
 * Every run has completed once, and none was counted as crashed; what clients had to be told meanwhile was honest, of
 * these errors and those of a store that is away.
 */
export function expectNothingLost({ stored, broken, errors }: Judgement, seed: number, more: string[] = []): void {
  expect(broken, `seed ${seed}`).toEqual([]);
  expect(errors.filter((error) => ![...honest, ...more].includes(error))).toEqual([]);
  expect(stored.runs.filter(({ crashes }) => crashes > 0)).toEqual([]);
}

/** No process gave a run up or took one over: only runs that no process executed had more than one attempt. */
export function expectNobodyTookOver(world: World, { stored }: Judgement): void {
  for (const msg of [
    'the run of a dead process is queued again',
    'a process is gone; its runs are taken over before its lease is over',
    'the lease cannot be extended; runs are given up before it ends',
    'this process was taken for dead; its runs are given up',
    'this process lost the run',
    'another process has taken this run over',
  ])
    expect(`${msg}: ${world.logged(msg)}`).toBe(`${msg}: 0`);
  const again = stored.runs.filter(({ attempt }) => attempt > 1).map(({ id }) => id);
  expect(again.filter((id) => !world.handedBack().includes(id))).toEqual([]);
}
