/** The slots in which runs execute: at most `max` are used at once. */
export function createSlots(max: number) {
  let used = 0;
  let notifyReleased = () => {};
  let handOver = () => false;

  return {
    max,
    used: (): number => used,

    /** Acquires a slot if one is free. */
    tryAcquire(): boolean {
      if (used >= max) return false;
      used += 1;
      return true;
    },

    /** Releases a slot: it is handed over to the next waiter, or else it is free. */
    release(): void {
      if (handOver()) return; // the slot stays in use
      used -= 1;
      notifyReleased();
    },

    /** Calls `listener` whenever a slot becomes free. */
    onRelease(listener: () => void): void {
      notifyReleased = listener;
    },

    /** Calls `toNextWaiter` first when a slot is released; it returns whether it handed the slot over to a waiter. */
    onHandOver(toNextWaiter: () => boolean): void {
      handOver = toNextWaiter;
    },
  };
}

/** The slots in which runs execute. */
export type Slots = ReturnType<typeof createSlots>;
