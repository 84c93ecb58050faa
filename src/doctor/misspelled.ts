import { settingsTable } from '../platform/settings/settings-table.ts';

/** Shorter names are too much like names that mean something else. */
const charsMin = 8;
/** How many letters may be wrong. */
const wrongMax = 2;

/** The variables that are named almost like a setting, each with the setting that may be meant. */
export function findMisspelled(names: readonly string[]): { name: string; meant: string }[] {
  const settings = Object.keys(settingsTable);
  return names.flatMap((name) => {
    if (name in settingsTable || name.length < charsMin) return [];
    const [nearest] = settings
      .map((meant) => ({ meant, wrong: distance(name.toUpperCase(), meant) }))
      .sort((a, b) => a.wrong - b.wrong);
    return nearest !== undefined && nearest.wrong <= wrongMax ? [{ name, meant: nearest.meant }] : [];
  });
}

/** How many letters have to be put in, taken out or changed (Levenshtein). */
function distance(one: string, other: string): number {
  if (Math.abs(one.length - other.length) > wrongMax) return wrongMax + 1;
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...one].entries()) {
    const next = [i + 1];
    for (const [j, wanted] of [...other].entries()) {
      const changed = (row[j] ?? 0) + (letter === wanted ? 0 : 1);
      next.push(Math.min(changed, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
