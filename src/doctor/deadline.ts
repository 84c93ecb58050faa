import { systemClock } from '../platform/clock.ts';
import type { CheckName } from './checks.ts';
import { type Finding, failed, skipped } from './finding.ts';

/**
 * Does `work` within so many ms. Where it takes longer, or throws, the first of the checks fails with what happened,
 * and the others are skipped; `work` is told by its signal, and nobody waits for it any more.
 */
export async function within<T>(
  limitMs: number,
  checks: readonly [CheckName, ...CheckName[]],
  wrap: (findings: Finding[]) => T,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const [first, ...rest] = checks;
  const give = (message: string, mend: string) =>
    wrap([failed(first, message, mend), ...rest.map((check) => skipped(check, 'Not known, see above.'))]);
  const deadline = new AbortController();
  const done = new AbortController();
  const late = systemClock.sleep(limitMs, done.signal).then(() => {
    deadline.abort(new DOMException('The deadline has passed.', 'TimeoutError'));
    return give(
      `There was no answer within ${Math.round(limitMs / 1000)} s.`,
      'See whether it hangs, and what it waits for.',
    );
  });
  late.catch(() => {}); // it is cut short where the work is in time
  try {
    return await Promise.race([work(deadline.signal), late]);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return give(`It cannot be looked at: ${reason}.`, 'Mend that first.');
  } finally {
    done.abort();
  }
}
