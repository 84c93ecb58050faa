/** Places in which runs execute: at most `max` are taken at once. */
export function createSlots(max: number) {
  let used = 0;
  let released = () => {};
  let passOn = () => false;

  return {
    max,
    used: (): number => used,

    /** Takes a place if one is free. */
    tryAcquire(): boolean {
      if (used >= max) return false;
      used += 1;
      return true;
    },

    /** Gives a place back: to the next in line, or else it is free. */
    release(): void {
      if (passOn()) return; // it stays taken, by somebody else
      used -= 1;
      released();
    },

    /** Calls `listener` whenever a place has become free. */
    onRelease(listener: () => void): void {
      released = listener;
    },

    /** Asks `next` first when a place is given back: true says that it was passed on to somebody who waited. */
    onPassingOn(next: () => boolean): void {
      passOn = next;
    },
  };
}

/** Places in which runs execute. */
export type Slots = ReturnType<typeof createSlots>;
