import { systemClock } from '../platform/clock.ts';
import { parseSettings, type SettingMistake, type Settings, SettingsError } from '../platform/settings/settings.ts';
import { type SettingName, settingsTable } from '../platform/settings/settings-table.ts';
import { createPriceList, providersOf } from '../providers/index.ts';
import { type Finding, failed, ok, warning } from './finding.ts';
import { findMisspelled } from './misspelled.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What came of reading the settings. */
export type Configuration = {
  findings: Finding[];
  /** The settings, with the defaults in place of what has mistakes. */
  settings: Settings;
  /** Whether one of these has a mistake, so that what depends on it cannot be looked at. */
  isBroken(...names: SettingName[]): boolean;
};

/** Reads the settings, and says everything that is wrong in them. */
export function checkConfiguration(environment: Environment): Configuration {
  const { settings, mistakes } = readSettings(environment);
  const broken = new Set(mistakes.map(({ name }) => name));
  const findings = [...mistakes.map(mistake), ...findMisspelled(Object.keys(environment)).map(misspelled)];
  if (mistakes.length === 0) findings.push(...advice(settings));
  return {
    findings: findings.length > 0 ? findings : [ok('configuration', describeSettings(settings))],
    settings,
    isBroken: (...names) => names.some((name) => broken.has(name)),
  };
}

/** A key that nothing is asked with: it stands where the real one is missing or is none. */
const noKey = 'no-key';

function readSettings(environment: Environment): { settings: Settings; mistakes: readonly SettingMistake[] } {
  try {
    return { settings: parseSettings(environment), mistakes: [] };
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    const usable: Record<string, string | undefined> = { ...environment };
    for (const { name } of error.mistakes) usable[name] = name === 'OPENAI_API_KEY' ? noKey : undefined;
    // Some mistakes depend on the value of another setting; without those that are known nothing is left but the key.
    return { settings: parseSettings({ OPENAI_API_KEY: noKey, ...withoutEmpty(usable) }), mistakes: error.mistakes };
  }
}

const withoutEmpty = (environment: Environment): Environment =>
  Object.fromEntries(Object.entries(environment).filter(([, value]) => (value ?? '').trim() !== ''));

const mistake = ({ name, found, allowed }: SettingMistake): Finding =>
  failed('configuration', `${name} has a mistake: found ${found}.`, `Allowed: ${allowed}.`, { setting: name });

const misspelled = ({ name, meant }: { name: string; meant: string }): Finding =>
  warning('configuration', `${name} is no setting and has no effect.`, `If ${meant} is meant, name it so.`, {
    setting: name,
  });

function advice(settings: Settings): Finding[] {
  const findings: Finding[] = [];
  const productive = settings.appEnv === 'production' || settings.appEnv === 'staging';
  if (productive && settings.authMode === 'none') {
    findings.push(
      warning(
        'configuration',
        `AUTH_MODE is none where APP_ENV is ${settings.appEnv}: whoever reaches the service may use it.`,
        'Set AUTH_MODE=api_key and ADMIN_API_KEY, unless something in front asks for a key.',
      ),
    );
  }
  if (settings.authMode === 'api_key' && settings.adminApiKey === undefined) {
    findings.push(
      warning(
        'configuration',
        'AUTH_MODE is api_key, and there is no ADMIN_API_KEY.',
        'Set ADMIN_API_KEY, or see by "agent-service keys list" that the store has a key; without any, all is answered 401.',
      ),
    );
  }
  if (settings.shutdownGraceMs < settings.runTimeoutMs) {
    findings.push(
      warning(
        'configuration',
        'SHUTDOWN_GRACE is shorter than OPENAI_TIMEOUT: callers of long runs get a 503 at each deploy.',
        'Set SHUTDOWN_GRACE to OPENAI_TIMEOUT or more.',
      ),
    );
  }
  if (limitsMoney(settings) && !hasPrice(settings)) {
    findings.push(
      warning(
        'configuration',
        `There is a budget in USD, and what ${settings.openai.model} costs is not known: its calls are refused.`,
        'Say its price with MODEL_PRICES, or give the budget in tokens.',
      ),
    );
  }
  return findings;
}

const limitsMoney = ({ runBudget, tenantBudgets: { budgetUsdDay, budgetUsdMonth } }: Settings): boolean =>
  [runBudget.usd, budgetUsdDay, budgetUsdMonth].some((limit) => limit !== null);

/** Whether every provider that the environment names has a price for the model of agents that name none. */
function hasPrice(settings: Settings): boolean {
  const providers = providersOf(undefined, settings);
  const prices = createPriceList({ providers, overrides: settings.modelPrices, clock: systemClock });
  const nameAt = (models: (typeof providers)[number]['models']) =>
    typeof models === 'string' ? models : (models[settings.openai.model] ?? settings.openai.model);
  return providers.every(({ name, models }) => prices.priceOf({ provider: name, model: nameAt(models) }, 1) !== null);
}

function describeSettings({ appEnv, store, openai, simulated, authMode }: Settings): string {
  const kept = store.databaseUrl === undefined ? `the embedded store in ${store.dataDir}` : 'Postgres';
  const model = simulated ? 'the simulated model' : `${openai.model} of ${new URL(openai.baseUrl).host}`;
  const given = `${Object.keys(settingsTable).length} settings without a mistake`;
  return `${given}: ${appEnv}, ${kept}, ${model}, callers ${authMode === 'none' ? 'need no key' : 'need a key'}.`;
}
