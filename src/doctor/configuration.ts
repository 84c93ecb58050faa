import { systemClock } from '../platform/clock.ts';
import { findMisspelledSettings, type MisspelledSetting } from '../platform/settings/misspelled-settings.ts';
import { parseSettings, type SettingMistake, type Settings, SettingsError } from '../platform/settings/settings.ts';
import { settingsTable } from '../platform/settings/settings-table.ts';
import { withoutEmpty } from '../platform/settings/without-empty.ts';
import { createPriceList, providersOf } from '../providers/index.ts';
import { type Finding, failed, ok, warning } from './finding.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The settings, and what is wrong with them. */
export type Configuration = {
  findings: Finding[];
  /** The settings, with the default in place of each value that has a mistake. */
  settings: Settings;
  /** Whether one of these settings, or of the variables of Postgres, has a mistake, so that the checks that depend on it cannot be made. */
  isBroken(...names: string[]): boolean;
};

/** Reads the settings and reports all mistakes in them. */
export function checkConfiguration(environment: Environment): Configuration {
  const { settings, mistakes } = readSettings(environment);
  const broken = new Set<string>(mistakes.map(({ name }) => name));
  const findings = [...mistakes.map(mistakeFinding), ...findMisspelledSettings(environment).map(misspelledFinding)];
  if (mistakes.length === 0) findings.push(...adviceFindings(settings));
  return {
    findings: findings.length > 0 ? findings : [ok('configuration', describeSettings(settings))],
    settings,
    isBroken: (...names) => names.some((name) => broken.has(name)),
  };
}

/** Stands in for a key that is missing or invalid; no request is sent with it. */
const placeholderKey = 'no-key';

function readSettings(environment: Environment): { settings: Settings; mistakes: readonly SettingMistake[] } {
  try {
    return { settings: parseSettings(environment), mistakes: [] };
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    const usable: Record<string, string | undefined> = { ...environment };
    for (const { name } of error.mistakes) usable[name] = name === 'OPENAI_API_KEY' ? placeholderKey : undefined;
    // Settings that have no mistake of their own are kept. The key is required, so it gets the placeholder.
    return {
      settings: parseSettings({ OPENAI_API_KEY: placeholderKey, ...withoutEmpty(usable) }),
      mistakes: error.mistakes,
    };
  }
}

const mistakeFinding = ({ name, found, allowed }: SettingMistake): Finding =>
  failed('configuration', `${name} has a mistake: found ${found}.`, `Allowed: ${allowed}.`, { setting: name });

const misspelledFinding = ({ name, intended }: MisspelledSetting): Finding =>
  warning('configuration', `${name} is no setting and has no effect.`, `If ${intended} is meant, name it so.`, {
    setting: name,
  });

function adviceFindings(settings: Settings): Finding[] {
  const findings: Finding[] = [];
  const isDeployed = settings.appEnv === 'production' || settings.appEnv === 'staging';
  if (isDeployed && settings.authMode === 'none') {
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
  if (hasUsdBudget(settings) && !hasPrice(settings)) {
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

const hasUsdBudget = ({ runBudget, tenantBudgets: { budgetUsdDay, budgetUsdMonth } }: Settings): boolean =>
  [runBudget.usd, budgetUsdDay, budgetUsdMonth].some((limit) => limit !== null);

/** Whether every provider of the environment has a price for the default model. */
function hasPrice(settings: Settings): boolean {
  const providers = providersOf(undefined, settings);
  const prices = createPriceList({ providers, overrides: settings.modelPrices, clock: systemClock });
  const modelNameAt = (models: (typeof providers)[number]['models']) =>
    typeof models === 'string' ? models : (models[settings.openai.model] ?? settings.openai.model);
  return providers.every(
    ({ name, models }) => prices.priceOf({ provider: name, model: modelNameAt(models) }, 1) !== null,
  );
}

function describeSettings({ appEnv, store, openai, simulated, authMode }: Settings): string {
  const storeName = store.databaseUrl === undefined ? `the embedded store in ${store.dataDir}` : 'Postgres';
  const model = simulated ? 'the simulated model' : `${openai.model} of ${new URL(openai.baseUrl).host}`;
  const summary = `${Object.keys(settingsTable).length} settings without a mistake`;
  return `${summary}: ${appEnv}, ${storeName}, ${model}, callers ${authMode === 'none' ? 'need no key' : 'need a key'}.`;
}
