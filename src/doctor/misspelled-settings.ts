import { nearestName } from '../platform/nearest-name.ts';
import { settingsTable } from '../platform/settings/settings-table.ts';

/** Shorter names are too similar to names of other variables. */
const charsMin = 8;

/** A variable whose name is almost that of a setting. */
export type MisspelledSetting = { name: string; intended: string };

/** Finds the variables whose names are almost those of settings. */
export function findMisspelledSettings(names: readonly string[]): MisspelledSetting[] {
  const settings = Object.keys(settingsTable);
  return names.flatMap((name) => {
    if (name in settingsTable || name.length < charsMin) return [];
    const intended = nearestName(name, settings);
    return intended === undefined ? [] : [{ name, intended }];
  });
}
