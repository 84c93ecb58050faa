import { editDistance } from '../edit-distance.ts';
import { settingsTable } from './settings-table.ts';

/** A variable whose name is almost that of a setting. */
export type MisspelledSetting = { name: string; intended: string };

/** A setting of at least so many letters may be meant by a name with two mistakes of typing. */
const twoMistakesCharsMin = 13;
/** A shorter one by a name with one; settings shorter than this are too similar to names of other variables. */
const charsMin = 7;

/** Usual variables of other software that are almost called like a setting. */
const othersNames = new Set(['API_ENV', 'API_NAME', 'API_VERSION', 'FTP_PROXY']);

/** What Kubernetes sets for the port of a Service, such as `METRIC_PORT=tcp://10.0.0.1:80` for one called `metric`. */
const serviceLink = /^(?:tcp|udp|sctp):\/\//;

const settings = Object.keys(settingsTable);

/** Names that are read in lower case too. */
const isSetting = (name: string): boolean => {
  if (name in settingsTable) return true;
  const entry = Object.entries(settingsTable).find(([known]) => known.toLowerCase() === name)?.[1];
  return entry !== undefined && 'anyCase' in entry;
};

/** Whether a setting may be meant by a name: it has few mistakes for its length. */
function isAlmost(name: string, setting: string): boolean {
  const mistakesMax = setting.length < twoMistakesCharsMin ? 1 : 2;
  if (setting.length < charsMin || Math.abs(name.length - setting.length) > mistakesMax) return false;
  return editDistance(name, setting) <= mistakesMax;
}

/** Whether a name is the counterpart of a maximum, such as `DATABASE_POOL_MIN`. */
const isMinimum = (name: string): boolean => {
  const maximum = name.replace(/(?<![A-Z])MIN(?![A-Z])/, 'MAX');
  return maximum !== name && maximum in settingsTable;
};

/** The setting that a name is almost that of, whatever its case; undefined if there is none, or if it is a setting. */
export function intendedSetting(name: string): string | undefined {
  const upperCase = name.toUpperCase();
  if (isSetting(name) || othersNames.has(upperCase) || isMinimum(upperCase)) return undefined;
  const [nearest] = settings
    .filter((setting) => isAlmost(upperCase, setting))
    .sort((one, other) => editDistance(upperCase, one) - editDistance(upperCase, other));
  return nearest;
}

/** Finds the variables whose names are almost those of settings, such as `MAX_TURN`. Empty variables do not count. */
export function findMisspelledSettings(variables: Readonly<Record<string, string | undefined>>): MisspelledSetting[] {
  return Object.entries(variables).flatMap(([name, value = '']) => {
    if (value.trim() === '' || serviceLink.test(value)) return [];
    const intended = intendedSetting(name);
    return intended === undefined ? [] : [{ name, intended }];
  });
}
