import type { ClockSample } from '../storage/port/index.ts';
import { type Finding, failed, ok, skipped, warning } from './finding.ts';

/** Times of events and of runs look wrong from here on. */
const apartMs = 2_000;
/** Certificates and signed requests are refused from here on. */
const farApartMs = 5 * 60_000;

/** Another clock and what it showed; null where it was not seen. */
export type OtherClock = { of: string; sample: ClockSample | null };

const seconds = (ms: number): string => (Math.abs(ms) < 10_000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 1000)} s`);

/** Compares this machine's clock with others, one line each where they differ. */
export function judgeClocks(others: readonly OtherClock[]): Finding[] {
  const seen = others.flatMap(({ of, sample }) => (sample === null ? [] : [{ of, ...sample }]));
  if (seen.length === 0) return [skipped('clocks', 'There is no other clock to compare with.')];
  const wrong = seen.flatMap(({ of, aheadMs, uncertainMs }) => {
    // What cannot be known is no reason to worry.
    const surelyMs = Math.max(0, Math.abs(aheadMs) - uncertainMs);
    if (surelyMs <= apartMs) return [];
    const message = `The clock of ${of} is ${seconds(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine's.`;
    const report = surelyMs >= farApartMs ? failed : warning;
    return [report('clocks', message, 'Set both by NTP.', { clock: of, ahead_ms: Math.round(aheadMs) })];
  });
  if (wrong.length > 0) return wrong;
  const apart = seen.map(({ of, aheadMs, uncertainMs }) => `${of} ${seconds(aheadMs)} (± ${seconds(uncertainMs)})`);
  return [ok('clocks', `Ahead of this machine's: ${apart.join(', ')}.`)];
}
