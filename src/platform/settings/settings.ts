import type { z } from 'zod';
import { findBrokenEntries } from '../no-proxy.ts';
import { passwordsIn } from '../postgres-url.ts';
import { completePostgresUrl, findVariableMistakes } from '../postgres-variables.ts';
import { StartError } from '../start-error.ts';
import type { Setting } from './setting.ts';
import { type SettingName, settingsTable } from './settings-table.ts';
import { type ParsedSettings, type Settings, toSettings } from './typed-settings.ts';
import { findValueMistake } from './value-mistakes.ts';

export type { Settings };

/** One mistake in the settings: the name of the setting, the value that was found (never a secret), and what is allowed. */
export type SettingMistake = { name: string; found: string; allowed: string };

/** All mistakes in the settings, together. */
export class SettingsError extends StartError {
  readonly mistakes: readonly SettingMistake[];

  constructor(mistakes: readonly SettingMistake[]) {
    super(
      [
        'The settings have mistakes:',
        ...mistakes.map(({ name, found, allowed }) => `  ${name}: found ${found}; allowed: ${allowed}`),
      ].join('\n'),
    );
    this.name = 'SettingsError';
    this.mistakes = mistakes;
  }
}

/** The values of the settings that must not be logged or shown. */
export const secretsOf = ({ openai, fallback, adminApiKey, webhooks, store }: Settings): (string | undefined)[] => [
  openai.apiKey,
  fallback?.apiKey,
  adminApiKey,
  ...webhooks.secrets,
  ...[store.databaseUrl, store.databaseDirectUrl].flatMap(passwordsIn),
];

/** The only allowed values on the embedded store: other values need several processes. */
const onEmbeddedStore: readonly [SettingName, string][] = [
  ['PROCESS_ROLE', 'all'],
  ['WEB_CONCURRENCY', '1'],
];

const noProxyAllowed =
  'names such as localhost or .svc, addresses, and networks such as 10.0.0.0/8 or fd00::/8, separated by commas; a name and an address may have a port';

const databaseUrls: readonly SettingName[] = ['DATABASE_URL', 'DATABASE_DIRECT_URL'];

const settingNames = Object.keys(settingsTable) as SettingName[];
const isSecret = (name: SettingName): boolean => (settingsTable[name] as Setting<unknown>).secret === true;

const notShown = 'a value that is not shown';
const foundCharsMax = 80;
const looksSecret = /^sk-|whsec_|:\/\/.*@/;

/** A value for a message: shortened, and not shown if it contains a secret that was put into the wrong setting. */
function describeFound(value: string | undefined, secrets: readonly string[]): string {
  if (value === undefined) return 'nothing';
  if (looksSecret.test(value) || secrets.some((secret) => value.includes(secret))) return notShown;
  return JSON.stringify(value.length > foundCharsMax ? `${value.slice(0, foundCharsMax)}…` : value);
}

/** What a setting allows, as far as its value breaks it, and how it is to be written. */
function describeAllowed({ error }: z.ZodSafeParseResult<unknown>, mistake: string | null): string {
  const messages = error?.issues.map((issue) => issue.message) ?? [];
  return [...new Set([...messages, ...(mistake === null ? [] : [mistake])])].join('; ');
}

/**
 * Reads the settings from `environment` (such as `process.env`). An empty variable counts as absent.
 *
 * @throws {SettingsError} with every mistake at once
 */
export function parseSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const mistakes: SettingMistake[] = [];
  const parsed: Record<string, unknown> = {};
  const given = (name: SettingName) => {
    const lowerCase = (settingsTable[name] as Setting<unknown>).anyCase ? environment[name.toLowerCase()] : '';
    return environment[name]?.trim() || lowerCase?.trim() || undefined;
  };
  // Variables of Postgres stand in for what its URLs leave out, unless they have mistakes of their own.
  const ofPostgres = given('DATABASE_URL') === undefined ? [] : findVariableMistakes(environment);
  mistakes.push(...ofPostgres);
  const written = (name: SettingName) => {
    const value = given(name);
    const isCompleted = databaseUrls.includes(name) && value !== undefined && ofPostgres.length === 0;
    return isCompleted ? completePostgresUrl(value, environment) : value;
  };
  const secrets = settingNames.flatMap((name) => (isSecret(name) ? (given(name) ?? []) : []));
  for (const name of settingNames) {
    const entry: Setting<unknown> = settingsTable[name];
    const defaultValue = name === 'HOST' && given('APP_ENV') === 'development' ? '127.0.0.1' : entry.default;
    const result = entry.schema.safeParse(written(name) ?? defaultValue);
    const mistake = findValueMistake(given(name));
    if (result.success && mistake === null) parsed[name] = result.data;
    else mistakes.push({ name, found: describeFound(given(name), secrets), allowed: describeAllowed(result, mistake) });
  }
  const needsKey = parsed.APP_ENV === 'production' || parsed.APP_ENV === 'staging';
  if (needsKey && parsed.OPENAI_API_KEY === undefined && !mistakes.some(({ name }) => name === 'OPENAI_API_KEY')) {
    mistakes.push({
      name: 'OPENAI_API_KEY',
      found: 'nothing',
      allowed: `an API key, required when APP_ENV is ${parsed.APP_ENV} (for a first try without a key: APP_ENV=development)`,
    });
  }
  // A DATABASE_URL that is not valid is reported as such, and does not count as absent.
  if (given('DATABASE_URL') === undefined) {
    for (const [name, only] of onEmbeddedStore) {
      const isOther = parsed[name] !== undefined && parsed[name] !== null && String(parsed[name]) !== only;
      const allowed = `${only} on the embedded store, which one process has to itself; for more set DATABASE_URL to a Postgres`;
      if (isOther) mistakes.push({ name, found: describeFound(given(name), secrets), allowed });
    }
  }
  if (parsed.PORT && parsed.PORT === parsed.METRICS_PORT && parsed.PROCESS_ROLE !== 'worker') {
    const found = describeFound(given('METRICS_PORT') ?? `${parsed.METRICS_PORT}`, secrets);
    mistakes.push({ name: 'METRICS_PORT', found, allowed: 'another port than PORT, since both are listened on' });
  }
  const hasProxy = parsed.HTTP_PROXY !== undefined || parsed.HTTPS_PROXY !== undefined;
  const broken = hasProxy ? findBrokenEntries(given('NO_PROXY') ?? '') : [];
  if (broken.length > 0)
    mistakes.push({ name: 'NO_PROXY', found: describeFound(broken.join(','), secrets), allowed: noProxyAllowed });
  if (mistakes.length > 0) throw new SettingsError(mistakes);
  return toSettings(parsed as ParsedSettings);
}
