/**
 * Waits before a client tries again: at most `delayMs`, and no longer than until `sooner` settles, which is notified when
 * the wait is over. Rejects with the signal's reason when `signal` aborts.
 */
export async function pause(
  delayMs: number,
  signal: AbortSignal,
  sooner: (signal: AbortSignal) => Promise<unknown>,
): Promise<void> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const { promise, resolve } = Promise.withResolvers<void>();
  // tidy: sleep because a refused connection and Retry-After give a client no signal, and it may not ask in a circle
  const timer = setTimeout(resolve, delayMs);
  const heard = sooner(either).catch(() => {});
  await Promise.race([promise, heard]);
  clearTimeout(timer);
  over.abort();
  signal.throwIfAborted();
}
