import { settingsTable } from '../platform/settings/settings-table.ts';

/** Shorter names are too similar to names of other variables. */
const charsMin = 8;
/** The largest edit distance that counts as a misspelling. */
const distanceMax = 2;

/** A variable whose name is almost that of a setting. */
export type MisspelledSetting = { name: string; intended: string };

/** Finds the variables whose names are almost those of settings. */
export function findMisspelledSettings(names: readonly string[]): MisspelledSetting[] {
  const settings = Object.keys(settingsTable);
  return names.flatMap((name) => {
    if (name in settingsTable || name.length < charsMin) return [];
    const [nearest] = settings
      .map((intended) => ({ intended, distance: editDistance(name.toUpperCase(), intended) }))
      .sort((a, b) => a.distance - b.distance);
    return nearest !== undefined && nearest.distance <= distanceMax ? [{ name, intended: nearest.intended }] : [];
  });
}

/** The number of insertions, deletions and substitutions of letters (Levenshtein distance). */
function editDistance(one: string, other: string): number {
  if (Math.abs(one.length - other.length) > distanceMax) return distanceMax + 1;
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
