const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** The units that people write, and how long each is, in ms; the first name of each is the one that is shown. */
const units: { names: string[]; ms: number }[] = [
  { names: ['days', 'day', 'd'], ms: dayMs },
  { names: ['hours', 'hour', 'h'], ms: hourMs },
  { names: ['minutes', 'minute', 'min', 'm'], ms: minuteMs },
  { names: ['seconds', 'second', 'sec', 's', ''], ms: secondMs },
];

/** A duration as people write it, in ms: `30 days`, `12h`, `1.5 hours`, or a number of seconds; null for anything else. */
export function parseDuration(text: string): number | null {
  const [, count, name = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim()) ?? [];
  const unit = units.find(({ names }) => names.includes(name.toLowerCase()));
  if (count === undefined || unit === undefined) return null;
  return Math.round(Number(count) * unit.ms);
}

/** A duration in ms for people, in the largest unit that it is a whole number of: `30 days`, `36 hours`, `1 minute`. */
export function describeDuration(durationMs: number): string {
  const unit = units.find(({ ms }) => durationMs >= ms && durationMs % ms === 0);
  const [count, names] = unit ? [durationMs / unit.ms, unit.names] : [durationMs / secondMs, ['seconds', 'second']];
  return `${count} ${count === 1 ? names[1] : names[0]}`;
}
