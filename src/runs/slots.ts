/** Places in which runs execute: at most `max` are taken at once, and those who wait get theirs in order. */
export function createSlots(max: number) {
  let used = 0;
  const waiting: (() => void)[] = [];

  const release = () => {
    const next = waiting.shift();
    if (next) next();
    else used -= 1;
  };

  return {
    max,
    used: (): number => used,

    /** Takes a place if one is free. */
    tryAcquire(): boolean {
      if (used >= max) return false;
      used += 1;
      return true;
    },

    /** Takes a place as soon as one is free. Rejects with the signal's reason when it aborts first. */
    acquire(signal: AbortSignal): Promise<void> {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        if (used < max) {
          used += 1;
          return resolve();
        }
        const take = () => {
          signal.removeEventListener('abort', leave);
          resolve();
        };
        const leave = () => {
          waiting.splice(waiting.indexOf(take), 1);
          reject(signal.reason);
        };
        waiting.push(take);
        signal.addEventListener('abort', leave, { once: true });
      });
    },

    /** Gives a place back. */
    release,
  };
}

/** Places in which runs execute. */
export type Slots = ReturnType<typeof createSlots>;
