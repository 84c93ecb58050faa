import type { ClockSample } from '../storage/port/index.ts';
import { type Finding, failed, ok, skipped, warning } from './finding.ts';

/** From this difference on, the times of events and runs look wrong. */
const warningMs = 2_000;
/** From this difference on, certificates and signed requests are refused. */
const failedMs = 5 * 60_000;

/** Another clock, and a sample of it; null if it could not be read. */
export type OtherClock = { of: string; sample: ClockSample | null };

const seconds = (ms: number): string => (Math.abs(ms) < 10_000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 1000)} s`);

/** Compares the clock of this machine with others. There is one finding for each clock that differs too much. */
export function assessClocks(others: readonly OtherClock[]): Finding[] {
  const sampled = others.flatMap(({ of, sample }) => (sample === null ? [] : [{ of, ...sample }]));
  if (sampled.length === 0) return [skipped('clocks', 'There is no other clock to compare with.')];
  const wrong = sampled.flatMap(({ of, aheadMs, uncertainMs }) => {
    // Only the difference beyond the uncertainty of the sample counts.
    const certainMs = Math.max(0, Math.abs(aheadMs) - uncertainMs);
    if (certainMs <= warningMs) return [];
    const message = `The clock of ${of} is ${seconds(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine's.`;
    const report = certainMs >= failedMs ? failed : warning;
    return [report('clocks', message, 'Set both by NTP.', { clock: of, ahead_ms: Math.round(aheadMs) })];
  });
  if (wrong.length > 0) return wrong;
  const differences = sampled.map(
    ({ of, aheadMs, uncertainMs }) => `${of} ${seconds(aheadMs)} (± ${seconds(uncertainMs)})`,
  );
  return [ok('clocks', `Ahead of this machine's: ${differences.join(', ')}.`)];
}
