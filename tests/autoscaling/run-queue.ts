import type { Work } from './pod.ts';

/** After how many taken runs the list is cut, so that it does not grow for ever. */
const cutAt = 10_000;

/** The queue in the store: what was handed back goes first, then what has never begun, oldest first. */
export function createRunQueue() {
  const returned: Work[] = [];
  let fresh: Work[] = [];
  let head = 0;

  return {
    size: (): number => returned.length + fresh.length - head,

    /** The next one; null if there is none. */
    next: (): Work | null => returned[0] ?? fresh[head] ?? null,

    /** Takes the next one off. */
    take(): void {
      if (returned.shift()) return;
      head += 1;
      if (head < cutAt) return;
      fresh = fresh.slice(head);
      head = 0;
    },

    add(work: Work): void {
      (work.isResumed ? returned : fresh).push(work);
    },

    /** How long those that have never begun have waited, in ms. */
    waitsMs: (nowMs: number): number[] => fresh.slice(head).map(({ queuedAtMs }) => nowMs - queuedAtMs),
  };
}
