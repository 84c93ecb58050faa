/** Places in which runs execute: at most `max` are taken at once. */
export function createSlots(max: number) {
  let used = 0;
  let released = () => {};

  return {
    max,
    used: (): number => used,

    /** Takes a place if one is free. */
    tryAcquire(): boolean {
      if (used >= max) return false;
      used += 1;
      return true;
    },

    /** Gives a place back. */
    release(): void {
      used -= 1;
      released();
    },

    /** Calls `listener` whenever a place was given back. */
    onRelease(listener: () => void): void {
      released = listener;
    },
  };
}

/** Places in which runs execute. */
export type Slots = ReturnType<typeof createSlots>;
