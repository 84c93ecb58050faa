import { z } from 'zod';
import { type LogLevel, logLevels } from '../logger.ts';
import { budgetSettings } from './budget-settings.ts';
import { priceSettings } from './price-settings.ts';
import { providerSettings } from './provider-settings.ts';
import { setting } from './setting.ts';
import {
  networks,
  oneOf,
  optional,
  patience,
  proxies,
  proxyUrl,
  realKey,
  retention,
  secondsToMs,
  signingSecrets,
  text,
  url,
  whole,
  wholeOrAuto,
} from './setting-schemas.ts';

/**
 * All settings of the service: their names in the environment, their valid values and their meaning. The typed settings,
 * the messages about mistakes, `.env.example` and `docs/settings.md` are generated from this table, in its order.
 * Durations without a unit in their name are seconds in the environment and milliseconds, with the suffix `Ms`, in code.
 */
export const settingsTable = {
  APP_NAME: setting({
    schema: text('a name'),
    default: 'agent-service',
    about: 'Name of the service, in logs and titles.',
  }),
  APP_ENV: setting({
    schema: oneOf(['development', 'staging', 'production', 'test']),
    default: 'production',
    about:
      'Where it runs. Production insists on a key for the provider; development answers from a simulated model without one.',
  }),
  LOG_LEVEL: setting<LogLevel>({
    schema: z
      .string()
      .transform((value) => value.toUpperCase())
      .pipe(oneOf(Object.keys(logLevels) as LogLevel[])),
    default: 'INFO',
    about: 'The least severe level that is logged; any case.',
  }),
  LOG_CONTENT: setting({
    schema: oneOf(['true', 'false']),
    default: 'false',
    about:
      'Whether what users say and models answer is logged, shortened, with the end of each run. Keys never are, and are taken out of everything that is logged.',
  }),
  HOST: setting({
    schema: text('an address'),
    default: '0.0.0.0',
    about: 'Address to listen on; development defaults to 127.0.0.1.',
  }),
  PORT: setting({ schema: whole(0, 65535), default: '8000', about: 'Port of the API; 0 takes a free one.' }),
  METRICS_PORT: setting({
    schema: whole(0, 65535),
    default: '9464',
    about: 'Port of the health routes for probes, apart from callers; 0 takes a free one.',
  }),
  PROCESS_ROLE: setting({
    schema: oneOf(['all', 'api', 'worker']),
    default: 'all',
    about:
      'What a process does: take requests and execute what is answered at once (api), execute what is queued without a port for callers (worker), or both.',
  }),
  WEB_CONCURRENCY: setting({
    schema: wholeOrAuto(1, 128),
    default: 'auto',
    about:
      'Processes that serve on this host. auto: one for each CPU of the quota, 4 at most; 1 on the embedded store, and in `agent-service dev`.',
  }),

  OPENAI_API_KEY: setting({
    schema: optional(realKey),
    secret: true,
    about: 'Key for the model provider. Required in production.',
  }),
  OPENAI_MODEL: setting({ schema: text('a model name'), default: 'gpt-4.1', about: 'Model of agents that name none.' }),
  OPENAI_TIMEOUT: setting({
    schema: secondsToMs(0.1, 3600),
    default: '30.0',
    about: 'Seconds a blocking or streamed run may take from receipt to answer, waiting included.',
  }),
  OPENAI_BASE_URL: setting({
    schema: url(['https:', 'http:']),
    default: 'https://api.openai.com/v1',
    about: 'Any server that speaks the OpenAI protocol: vLLM, llama.cpp, Ollama, Azure OpenAI.',
  }),
  OPENAI_API: setting({
    schema: optional(oneOf(['responses', 'chat_completions'])),
    about: 'Which OpenAI API to speak. Defaults to responses for OpenAI itself, else chat_completions.',
  }),
  MODEL_TRANSPORT: setting({
    schema: oneOf(['auto', 'openai']),
    default: 'auto',
    about:
      'What calls models: a lean client wherever it will do, else the openai package (auto), or always the openai package.',
  }),
  HTTP_PROXY: setting({
    schema: optional(proxyUrl),
    secret: true,
    anyCase: true,
    about: 'Proxy on the way to a model provider with an http: URL; also read as http_proxy. Defaults to none.',
  }),
  HTTPS_PROXY: setting({
    schema: optional(proxyUrl),
    secret: true,
    anyCase: true,
    about: 'Proxy on the way to a model provider with an https: URL; also read as https_proxy. Defaults to none.',
  }),
  NO_PROXY: setting({
    schema: optional(text('names of hosts')),
    anyCase: true,
    about:
      'Hosts that are reached without a proxy, separated by commas, such as localhost,.svc,10.0.0.5:8000; * for all. Also read as no_proxy.',
  }),
  ...providerSettings,

  MAX_CONCURRENT_RUNS: setting({
    schema: whole(1, 10_000),
    default: '50',
    about:
      'Runs that execute at once in a process (see WEB_CONCURRENCY); those in the background take four fifths of the places at most.',
  }),
  MAX_QUEUED_RUNS: setting({
    schema: whole(0, 10_000),
    default: '100',
    about:
      'Callers that may wait in a process for a place while all are taken, if they can be expected to be answered in time; the others are refused with 429. 0 for none.',
  }),
  EVENT_LOOP_DELAY_MAX: setting({
    schema: secondsToMs(0.05, 60),
    default: '1.0',
    about:
      'Seconds that a busy event loop may keep a request waiting on average; beyond it new runs are refused with 429.',
  }),
  ...priceSettings,
  ...budgetSettings,
  MAX_TURNS: setting({ schema: whole(1, 1000), default: '10', about: 'Model turns a run may take.' }),
  MAX_INPUT_CHARS: setting({
    schema: whole(1, 5_000_000),
    default: '200000',
    about: 'Longest message, in characters.',
  }),
  RUN_TIMEOUT_MAX: setting({
    schema: secondsToMs(1, 604_800),
    default: '3600',
    about: 'Seconds a run in the background may take.',
  }),
  TOOL_EFFECT_DEFAULT: setting({
    schema: oneOf(['read', 'idempotent', 'once']),
    default: 'idempotent',
    about:
      'What repeating a call of a tool does that nobody declared by effect(): nothing (read), the same again (idempotent), or harm (once: a person is asked).',
  }),
  APP_VERSION: setting({
    schema: optional(z.string().regex(/^[\w.+-]{1,100}$/, 'letters, digits and . _ + -, 100 at most')),
    about: 'The version of your application that runs are recorded with. Default: that of the package.json it runs in.',
  }),
  VERSION_AFFINITY: setting({
    schema: oneOf(['any', 'strict']),
    default: 'any',
    about:
      'Who goes on with a run that has begun: a process of any version of the application, or (strict) one of its own for as long as such a process lives.',
  }),
  RUN_LEASE: setting({
    schema: secondsToMs(1, 300),
    default: '10',
    about: 'Seconds after which a process that gave no sign of life is taken for dead.',
  }),
  APPROVAL_EXPIRY: setting({
    schema: patience(1_000, 365 * 24 * 3_600_000),
    default: '7 days',
    about: 'How long a run waits for a person to decide; then it fails with approval_expired.',
  }),
  RUN_RETENTION: setting({
    schema: retention(60_000, 3650 * 24 * 3_600_000),
    default: '30 days',
    about: 'How long a run is kept after its end, with its steps and events; the items of its session stay.',
  }),
  SESSION_MAX_ITEMS: setting({
    schema: whole(0, 100_000),
    default: '0',
    about:
      'Items of the history that a model is shown at most, in whole turns, the last turn in any case; 0 for all. What is stored stays whole.',
  }),

  MAX_STREAMS_PER_CALLER: setting({
    schema: whole(1, 1_000_000),
    default: '1000',
    about: 'Streams of events that one caller may have open in each process; more are refused with 429.',
  }),
  RATE_LIMIT_RPM: setting({
    schema: whole(1, 1_000_000),
    default: '100',
    about: 'Runs a caller may create in a minute; other requests ten times that.',
  }),
  RATE_LIMIT_BURST: setting({
    schema: whole(1, 1_000_000),
    default: '20',
    about: 'Runs a caller may create at once before RATE_LIMIT_RPM is felt.',
  }),
  TRUST_PROXY: setting({
    schema: optional(proxies),
    about:
      'Which proxies may say who the caller is (X-Forwarded-For): true, a number of hops, or addresses and networks separated by commas. Defaults to none.',
  }),
  AUTH_MODE: setting({
    schema: optional(oneOf(['api_key', 'none'])),
    about: 'Whether callers need a key. Defaults to none in development and test, else api_key.',
  }),
  ADMIN_API_KEY: setting({
    schema: optional(realKey.refine((value) => value.length >= 16, 'at least 16 characters')),
    secret: true,
    about:
      'The first API key: tenant "default", all scopes, and keys of every tenant are made with it. At least 16 characters.',
  }),
  CORS_ORIGINS: setting({
    schema: optional(
      z.string().transform((value, context) => {
        const origins = value.split(',').map((origin) => origin.trim());
        const allowed = 'origins such as https://app.example.com separated by commas, or *';
        for (const origin of origins) {
          if (origin !== '*' && !(URL.canParse(origin) && new URL(origin).origin === origin)) context.addIssue(allowed);
        }
        return origins;
      }),
    ),
    about: 'Origins whose web pages may call the service, separated by commas; * for all. Defaults to none.',
  }),

  DATABASE_URL: setting({
    schema: optional(url(['postgres:', 'postgresql:'])),
    secret: true,
    about: 'Postgres to store in. Without it everything is in an embedded store in DATA_DIR, for one process.',
  }),
  DATABASE_DIRECT_URL: setting({
    schema: optional(url(['postgres:', 'postgresql:'])),
    secret: true,
    about: 'Postgres without a pooler between, for migrations and session locks. Defaults to DATABASE_URL.',
  }),
  DATABASE_POOL_MAX: setting({
    schema: whole(1, 1000),
    default: '10',
    about: 'Connections to Postgres a process (see WEB_CONCURRENCY) holds at most.',
  }),
  DATA_DIR: setting({ schema: text('a folder'), default: './data', about: 'Folder of the embedded store.' }),
  EMBEDDED_SYNC: setting({
    schema: oneOf(['full', 'normal']),
    default: 'full',
    about:
      'Durability of the embedded store: full survives a power cut; normal may lose the last moments to one, and is faster.',
  }),

  WEBHOOK_SIGNING_SECRET: setting({
    schema: optional(signingSecrets),
    secret: true,
    about:
      'Secrets with which webhooks are signed (Standard Webhooks), separated by spaces: all of them sign, so that receivers can change over. Without one webhooks are refused.',
  }),
  WEBHOOK_ALLOW_NETWORKS: setting({
    schema: optional(networks),
    about:
      'Networks beside the Internet to which webhooks may be sent, separated by commas. Defaults to none; to 127.0.0.0/8,::1/128 in development and test.',
  }),
  WEBHOOK_ALLOW_HTTP: setting({
    schema: optional(oneOf(['true', 'false'])),
    about: 'Whether webhooks may have a URL with http. Defaults to true in development and test, else false.',
  }),

  HEALTH_CHECK_TIMEOUT: setting({
    schema: secondsToMs(0.1, 60),
    default: '5.0',
    about: 'Seconds the background check of the provider may take.',
  }),
  READYZ_PROVIDER_DOWN: setting({
    schema: oneOf(['degraded', 'fail']),
    default: 'degraded',
    about: 'What /readyz says when the provider cannot be reached: 200 degraded, or 503.',
  }),
  SHUTDOWN_GRACE: setting({
    schema: secondsToMs(0, 3600),
    default: '35',
    about: 'Seconds that work in flight has to finish after SIGTERM and PRESTOP_DELAY.',
  }),
  PRESTOP_DELAY: setting({
    schema: secondsToMs(0, 300),
    default: '0',
    about: 'Seconds after SIGTERM in which new work is still accepted, while load balancers learn of the end.',
  }),
} as const;

/** The name of a setting in the environment. */
export type SettingName = keyof typeof settingsTable;
