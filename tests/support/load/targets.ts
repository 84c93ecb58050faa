/** The services that live at the moment, as a load balancer would know them. */
export type Targets = {
  /** The addresses, such as `http://127.0.0.1:8000`; empty while none lives. */
  urls(): readonly string[];
  add(url: string): void;
  remove(url: string): void;
  /** Resolves when an address comes or goes. Rejects with the signal's reason when `signal` aborts. */
  changed(signal: AbortSignal): Promise<void>;
};

/** A list of services that changes while they die and are replaced. */
export function createTargets(first: readonly string[] = []): Targets {
  const living = new Set(first);
  const waiting = new Set<() => void>();

  function tell(): void {
    for (const resume of [...waiting]) resume();
  }

  return {
    urls: () => [...living],
    add(url) {
      living.add(url);
      tell();
    },
    remove(url) {
      living.delete(url);
      tell();
    },
    changed: (signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const settle = () => {
          waiting.delete(settle);
          signal.removeEventListener('abort', settle);
          if (signal.aborted) reject(signal.reason);
          else resolve();
        };
        waiting.add(settle);
        signal.addEventListener('abort', settle, { once: true });
      }),
  };
}
