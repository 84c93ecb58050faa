const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** The units of durations in texts, with their length in ms. The first two names of a unit, plural and singular, are shown. */
const units: { names: string[]; ms: number }[] = [
  { names: ['days', 'day', 'd'], ms: dayMs },
  { names: ['hours', 'hour', 'h'], ms: hourMs },
  { names: ['minutes', 'minute', 'min', 'm'], ms: minuteMs },
  { names: ['seconds', 'second', 'sec', 's', ''], ms: secondMs },
];

/** Parses a duration, into ms: `30 days`, `12h`, `1.5 hours`, or a number of seconds; null for any other text. */
export function parseDuration(text: string): number | null {
  const [, count, name = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim()) ?? [];
  const unit = units.find(({ names }) => names.includes(name.toLowerCase()));
  if (count === undefined || unit === undefined) return null;
  return Math.round(Number(count) * unit.ms);
}

/** Formats a duration in ms in the largest unit of which it is a whole number: `30 days`, `36 hours`, `1 minute`. */
export function describeDuration(durationMs: number): string {
  const unit = units.find(({ ms }) => durationMs >= ms && durationMs % ms === 0);
  const [count, names] = unit ? [durationMs / unit.ms, unit.names] : [durationMs / secondMs, ['seconds', 'second']];
  return `${count} ${count === 1 ? names[1] : names[0]}`;
}
