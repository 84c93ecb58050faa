import type { z } from 'zod';
import { defaultApi, isOfficial, withoutSlash } from '../openai-server.ts';
import { StartError } from '../start-error.ts';
import { toBudgetSettings } from './budget-settings.ts';
import { toProviderSettings } from './provider-settings.ts';
import type { Setting } from './setting.ts';
import { toTrustProxy } from './setting-schemas.ts';
import { type SettingName, settingsTable } from './settings-table.ts';

type Table = typeof settingsTable;
type Parsed = { [Name in keyof Table]: z.output<Table[Name]['schema']> };

/** The settings as the code uses them: typed, defaults filled in, durations in ms. */
export type Settings = ReturnType<typeof toSettings>;

/** One mistake in the settings: where, what was found (never a secret), what is allowed. */
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

const loopback = ['127.0.0.0/8', '::1/128'];

function toSettings(parsed: Parsed) {
  const local = parsed.APP_ENV === 'development' || parsed.APP_ENV === 'test';
  const official = isOfficial(parsed.OPENAI_BASE_URL);
  return {
    appName: parsed.APP_NAME,
    appEnv: parsed.APP_ENV,
    logLevel: parsed.LOG_LEVEL,
    logsContent: parsed.LOG_CONTENT === 'true',
    host: parsed.HOST,
    port: parsed.PORT,
    metricsPort: parsed.METRICS_PORT,
    role: parsed.PROCESS_ROLE,
    /** Null: as many as the machine has room for. */
    workers: parsed.WEB_CONCURRENCY,
    openai: {
      apiKey: parsed.OPENAI_API_KEY,
      model: parsed.OPENAI_MODEL,
      baseUrl: withoutSlash(parsed.OPENAI_BASE_URL),
      api: parsed.OPENAI_API ?? defaultApi(parsed.OPENAI_BASE_URL),
      transport: parsed.MODEL_TRANSPORT,
      /** Whether it is OpenAI itself. */
      official,
    },
    proxies: { http: parsed.HTTP_PROXY, https: parsed.HTTPS_PROXY, no: parsed.NO_PROXY },
    ...toProviderSettings(parsed),
    /** Development without a key for OpenAI itself, and without another provider: the simulated model answers. */
    simulated: local && parsed.OPENAI_API_KEY === undefined && official && toProviderSettings(parsed).fallback === null,
    runTimeoutMs: parsed.OPENAI_TIMEOUT,
    backgroundTimeoutMs: parsed.RUN_TIMEOUT_MAX,
    toolEffectDefault: parsed.TOOL_EFFECT_DEFAULT,
    runsMax: parsed.MAX_CONCURRENT_RUNS,
    queuedMax: parsed.MAX_QUEUED_RUNS,
    modelPrices: parsed.MODEL_PRICES ?? {},
    ...toBudgetSettings(parsed),
    loopDelayMaxMs: parsed.EVENT_LOOP_DELAY_MAX,
    turnsMax: parsed.MAX_TURNS,
    inputCharsMax: parsed.MAX_INPUT_CHARS,
    leaseMs: parsed.RUN_LEASE,
    appVersion: parsed.APP_VERSION,
    versionAffinity: parsed.VERSION_AFFINITY,
    approvalExpiryMs: parsed.APPROVAL_EXPIRY,
    runRetentionMs: parsed.RUN_RETENTION,
    /** Null for the whole history. */
    historyItemsMax: parsed.SESSION_MAX_ITEMS || null,
    streamsPerCallerMax: parsed.MAX_STREAMS_PER_CALLER,
    rateLimit: { perMinute: parsed.RATE_LIMIT_RPM, burst: parsed.RATE_LIMIT_BURST },
    trustProxy: toTrustProxy(parsed.TRUST_PROXY),
    authMode: parsed.AUTH_MODE ?? (local ? ('none' as const) : ('api_key' as const)),
    adminApiKey: parsed.ADMIN_API_KEY,
    corsOrigins: parsed.CORS_ORIGINS ?? [],
    store: {
      databaseUrl: parsed.DATABASE_URL,
      databaseDirectUrl: parsed.DATABASE_DIRECT_URL ?? parsed.DATABASE_URL,
      poolMax: parsed.DATABASE_POOL_MAX,
      dataDir: parsed.DATA_DIR,
      sync: parsed.EMBEDDED_SYNC,
    },
    webhooks: {
      secrets: parsed.WEBHOOK_SIGNING_SECRET ?? [],
      allowNetworks: parsed.WEBHOOK_ALLOW_NETWORKS ?? (local ? loopback : []),
      allowHttp: parsed.WEBHOOK_ALLOW_HTTP === undefined ? local : parsed.WEBHOOK_ALLOW_HTTP === 'true',
    },
    healthCheckTimeoutMs: parsed.HEALTH_CHECK_TIMEOUT,
    readyzProviderDown: parsed.READYZ_PROVIDER_DOWN,
    shutdownGraceMs: parsed.SHUTDOWN_GRACE,
    prestopDelayMs: parsed.PRESTOP_DELAY,
  };
}

/** The password of a URL, as it is written there and as it is meant. */
function passwordsIn(url: string | undefined): string[] {
  if (url === undefined || !URL.canParse(url)) return [];
  const { password } = new URL(url);
  return password === '' ? [] : [password, decodeURIComponent(password)];
}

/** What of the settings must not be seen anywhere. */
export const secretsOf = ({ openai, fallback, adminApiKey, webhooks, store }: Settings): (string | undefined)[] => [
  openai.apiKey,
  fallback?.apiKey,
  adminApiKey,
  ...webhooks.secrets,
  ...[store.databaseUrl, store.databaseDirectUrl].flatMap(passwordsIn),
];

/** What takes several processes to be anything else. */
const onEmbeddedStore: readonly [SettingName, string][] = [
  ['PROCESS_ROLE', 'all'],
  ['WEB_CONCURRENCY', '1'],
];

const settingNames = Object.keys(settingsTable) as SettingName[];
const isSecret = (name: SettingName): boolean => (settingsTable[name] as Setting<unknown>).secret === true;

const notShown = 'a value that is not shown';
const foundCharsMax = 80;
const looksSecret = /^sk-|whsec_|:\/\/.*@/;

/** A value as a message may show it: shortened, and not at all where it holds a secret that came to the wrong place. */
function describeFound(value: string | undefined, secrets: readonly string[]): string {
  if (value === undefined) return 'nothing';
  if (looksSecret.test(value) || secrets.some((secret) => value.includes(secret))) return notShown;
  return JSON.stringify(value.length > foundCharsMax ? `${value.slice(0, foundCharsMax)}…` : value);
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
    const inSmallLetters = (settingsTable[name] as Setting<unknown>).anyCase ? environment[name.toLowerCase()] : '';
    return environment[name]?.trim() || inSmallLetters?.trim() || undefined;
  };
  const secrets = settingNames.flatMap((name) => (isSecret(name) ? (given(name) ?? []) : []));
  for (const name of settingNames) {
    const entry: Setting<unknown> = settingsTable[name];
    const byDefault = name === 'HOST' && given('APP_ENV') === 'development' ? '127.0.0.1' : entry.default;
    const result = entry.schema.safeParse(given(name) ?? byDefault);
    if (result.success) parsed[name] = result.data;
    else
      mistakes.push({
        name,
        found: describeFound(given(name), secrets),
        allowed: [...new Set(result.error.issues.map((issue) => issue.message))].join('; '),
      });
  }
  const productive = parsed.APP_ENV === 'production' || parsed.APP_ENV === 'staging';
  if (productive && parsed.OPENAI_API_KEY === undefined && !mistakes.some(({ name }) => name === 'OPENAI_API_KEY')) {
    mistakes.push({
      name: 'OPENAI_API_KEY',
      found: 'nothing',
      allowed: `an API key, required when APP_ENV is ${parsed.APP_ENV} (for a first try without a key: APP_ENV=development)`,
    });
  }
  // A URL that is wrong was meant to be one, and is reported as what it is.
  if (given('DATABASE_URL') === undefined) {
    for (const [name, only] of onEmbeddedStore) {
      const isOther = parsed[name] !== undefined && parsed[name] !== null && String(parsed[name]) !== only;
      const allowed = `${only} on the embedded store, which one process has to itself; for more set DATABASE_URL to a Postgres`;
      if (isOther) mistakes.push({ name, found: describeFound(given(name), secrets), allowed });
    }
  }
  if (mistakes.length > 0) throw new SettingsError(mistakes);
  return toSettings(parsed as Parsed);
}
