import type { z } from 'zod';
import { defaultApi, isOfficial, withoutSlash } from '../openai-server.ts';
import { toBudgetSettings } from './budget-settings.ts';
import { toProviderSettings } from './provider-settings.ts';
import { toTrustProxy } from './setting-schemas.ts';
import type { settingsTable } from './settings-table.ts';

type Table = typeof settingsTable;

/** The settings by their names in the environment, each parsed by its schema. */
export type ParsedSettings = { [Name in keyof Table]: z.output<Table[Name]['schema']> };

/** The settings as the code uses them: typed, with defaults, durations in ms. */
export type Settings = ReturnType<typeof toSettings>;

const loopback = ['127.0.0.0/8', '::1/128'];

const isLocal = ({ APP_ENV }: ParsedSettings): boolean => APP_ENV === 'development' || APP_ENV === 'test';

const toProcessSettings = (parsed: ParsedSettings) => ({
  appName: parsed.APP_NAME,
  appEnv: parsed.APP_ENV,
  logLevel: parsed.LOG_LEVEL,
  logsContent: parsed.LOG_CONTENT === 'true',
  host: parsed.HOST,
  port: parsed.PORT,
  metricsPort: parsed.METRICS_PORT,
  role: parsed.PROCESS_ROLE,
  /** Null for a number that fits the machine. */
  workers: parsed.WEB_CONCURRENCY,
  shutdownGraceMs: parsed.SHUTDOWN_GRACE,
  prestopDelayMs: parsed.PRESTOP_DELAY,
});

/** Where the default model comes from. */
export type DefaultModelSource = 'OPENAI_MODEL' | 'OPENAI_DEFAULT_MODEL' | 'default of agent-service';

/** The model of agents that name none, and where it comes from. */
function defaultModelOf(parsed: ParsedSettings): { model: string; modelSource: DefaultModelSource } {
  const { OPENAI_MODEL: own, OPENAI_DEFAULT_MODEL: ofSdk } = parsed;
  if (own !== undefined) return { model: own, modelSource: 'OPENAI_MODEL' };
  if (ofSdk !== undefined) return { model: ofSdk.toLowerCase(), modelSource: 'OPENAI_DEFAULT_MODEL' };
  return { model: 'gpt-4.1', modelSource: 'default of agent-service' };
}

function toModelSettings(parsed: ParsedSettings) {
  const official = isOfficial(parsed.OPENAI_BASE_URL);
  const providers = toProviderSettings(parsed);
  return {
    openai: {
      apiKey: parsed.OPENAI_API_KEY,
      ...defaultModelOf(parsed),
      baseUrl: withoutSlash(parsed.OPENAI_BASE_URL),
      api: parsed.OPENAI_API ?? defaultApi(parsed.OPENAI_BASE_URL),
      transport: parsed.MODEL_TRANSPORT,
      /** Whether the server is that of OpenAI itself. */
      official,
    },
    proxies: { http: parsed.HTTP_PROXY, https: parsed.HTTPS_PROXY, no: parsed.NO_PROXY },
    ...providers,
    /** Whether the simulated model answers: in development without a key for OpenAI itself and without another provider. */
    simulated: isLocal(parsed) && parsed.OPENAI_API_KEY === undefined && official && providers.fallback === null,
    modelPrices: parsed.MODEL_PRICES ?? {},
    healthCheckTimeoutMs: parsed.HEALTH_CHECK_TIMEOUT,
    readyzProviderDown: parsed.READYZ_PROVIDER_DOWN,
  };
}

const toRunSettings = (parsed: ParsedSettings) => ({
  runTimeoutMs: parsed.OPENAI_TIMEOUT,
  backgroundTimeoutMs: parsed.RUN_TIMEOUT_MAX,
  toolEffectDefault: parsed.TOOL_EFFECT_DEFAULT,
  toolOutputBytesMax: parsed.TOOL_OUTPUT_MAX_BYTES,
  runsMax: parsed.MAX_CONCURRENT_RUNS,
  queuedMax: parsed.MAX_QUEUED_RUNS,
  loopDelayMaxMs: parsed.EVENT_LOOP_DELAY_MAX,
  turnsMax: parsed.MAX_TURNS,
  inputCharsMax: parsed.MAX_INPUT_CHARS,
  inputPartsMax: parsed.INPUT_PARTS_MAX,
  inputBytesMax: parsed.INPUT_BYTES_MAX,
  leaseMs: parsed.RUN_LEASE,
  appVersion: parsed.APP_VERSION,
  versionAffinity: parsed.VERSION_AFFINITY,
  approvalExpiryMs: parsed.APPROVAL_EXPIRY,
  runRetentionMs: parsed.RUN_RETENTION,
  /** Null for the whole history. */
  historyItemsMax: parsed.SESSION_MAX_ITEMS || null,
  streamsPerCallerMax: parsed.MAX_STREAMS_PER_CALLER,
});

const toAccessSettings = (parsed: ParsedSettings) => ({
  rateLimit: { perMinute: parsed.RATE_LIMIT_RPM, burst: parsed.RATE_LIMIT_BURST },
  trustProxy: toTrustProxy(parsed.TRUST_PROXY),
  authMode: parsed.AUTH_MODE ?? (isLocal(parsed) ? ('none' as const) : ('api_key' as const)),
  adminApiKey: parsed.ADMIN_API_KEY,
  corsOrigins: parsed.CORS_ORIGINS ?? [],
});

const toStoreSettings = (parsed: ParsedSettings) => ({
  databaseUrl: parsed.DATABASE_URL,
  databaseDirectUrl: parsed.DATABASE_DIRECT_URL ?? parsed.DATABASE_URL,
  poolMax: parsed.DATABASE_POOL_MAX,
  dataDir: parsed.DATA_DIR,
  sync: parsed.EMBEDDED_SYNC,
  /** The environment whose store is meant. Defaults to `appEnv`. */
  environment: parsed.STORE_ENV,
});

const toWebhookSettings = (parsed: ParsedSettings) => ({
  secrets: parsed.WEBHOOK_SIGNING_SECRET ?? [],
  allowNetworks: parsed.WEBHOOK_ALLOW_NETWORKS ?? (isLocal(parsed) ? loopback : []),
  allowHttp: parsed.WEBHOOK_ALLOW_HTTP === undefined ? isLocal(parsed) : parsed.WEBHOOK_ALLOW_HTTP === 'true',
});

/** Converts parsed settings to those that the code uses. */
export const toSettings = (parsed: ParsedSettings) => ({
  ...toProcessSettings(parsed),
  ...toModelSettings(parsed),
  ...toRunSettings(parsed),
  ...toBudgetSettings(parsed),
  ...toAccessSettings(parsed),
  store: toStoreSettings(parsed),
  webhooks: toWebhookSettings(parsed),
});
