import { systemClock } from '../platform/clock.ts';
import type { CheckName } from './checks.ts';
import { type Finding, failed, skipped } from './finding.ts';

/**
 * Does `work` with a deadline. If it takes longer than `limitMs`, or throws, the first of the checks fails with the
 * reason and the others are skipped. At the deadline the signal of `work` aborts, and its result is ignored.
 */
export async function withDeadline<T>(
  limitMs: number,
  checks: readonly [CheckName, ...CheckName[]],
  wrap: (findings: Finding[]) => T,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const [first, ...rest] = checks;
  const failFirst = (message: string, remedy: string) =>
    wrap([failed(first, message, remedy), ...rest.map((check) => skipped(check, 'Not known, see above.'))]);
  const deadline = new AbortController();
  const done = new AbortController();
  const timeout = systemClock.sleep(limitMs, done.signal).then(() => {
    deadline.abort(new DOMException('The deadline has passed.', 'TimeoutError'));
    return failFirst(
      `There was no answer within ${Math.round(limitMs / 1000)} s.`,
      'See whether it hangs, and what it waits for.',
    );
  });
  timeout.catch(() => {}); // the sleep is aborted when the work is done in time
  try {
    return await Promise.race([work(deadline.signal), timeout]);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return failFirst(`It cannot be looked at: ${reason}.`, 'Mend that first.');
  } finally {
    done.abort();
  }
}
