import { z } from 'zod';
import { type LogLevel, logLevels } from '../logger.ts';
import { budgetSettings } from './budget-settings.ts';
import { priceSettings } from './price-settings.ts';
import { providerSettings } from './provider-settings.ts';
import { setting } from './setting.ts';
import {
  baseUrl,
  folder,
  listenHost,
  networks,
  oneOf,
  optional,
  ownKey,
  patience,
  postgresUrl,
  proxies,
  proxyUrl,
  realKey,
  retention,
  secondsToMs,
  signingSecrets,
  text,
  whole,
  wholeOrAuto,
} from './setting-schemas.ts';

/**
 * All settings of the service: their names in the environment, their valid values and their meaning. The messages about
 * mistakes, `.env.example` and `docs/settings.md` are made from this table, in its order; `typed-settings.ts` gives each
 * setting its name in code.
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
      'The environment. production and staging require a provider key; in development and test a simulated model answers without one.',
  }),
  STORE_ENV: setting({
    schema: optional(oneOf(['development', 'staging', 'production', 'test'])),
    about:
      'The environment whose store is meant, where that is not APP_ENV. A store belongs to the environment of the first process that served on it; processes of others are refused unless STORE_ENV names it.',
  }),
  LOG_LEVEL: setting<LogLevel>({
    schema: z
      .string()
      .transform((value) => value.toUpperCase())
      .pipe(oneOf(Object.keys(logLevels) as LogLevel[])),
    default: 'INFO',
    about: 'Minimum severity that is logged; case does not matter.',
  }),
  LOG_CONTENT: setting({
    schema: oneOf(['true', 'false']),
    default: 'false',
    about:
      'Whether the log entry at the end of a run contains the user input and the model output, truncated. Keys are never logged: they are redacted from every log entry.',
  }),
  HOST: setting({
    schema: listenHost,
    default: '0.0.0.0',
    about: 'Address to listen on. Defaults to 127.0.0.1 in development.',
  }),
  PORT: setting({ schema: whole(0, 65535), default: '8000', about: 'Port of the API; 0 selects a free port.' }),
  METRICS_PORT: setting({
    schema: whole(0, 65535),
    default: '9464',
    about: 'Port of the health probes and of /metrics, separate from the API; 0 selects a free port.',
  }),
  PROCESS_ROLE: setting({
    schema: oneOf(['all', 'api', 'worker']),
    default: 'all',
    about:
      'Role of the process. api: accepts requests and executes blocking and streamed runs. worker: executes queued runs and has no API port. all: both.',
  }),
  WEB_CONCURRENCY: setting({
    schema: wholeOrAuto(1, 128),
    default: 'auto',
    about:
      'Number of worker processes on this host. auto: one for each CPU of the quota, 4 at most; 1 on the embedded store and in `agent-service dev`.',
  }),

  OPENAI_API_KEY: setting({
    schema: optional(realKey),
    secret: true,
    about: 'API key of the model provider. Required in production and staging.',
  }),
  OPENAI_MODEL: setting({
    schema: optional(text('a model name')),
    about:
      'Default model, for agents that name neither a model nor a stored prompt. Defaults to OPENAI_DEFAULT_MODEL, else gpt-4.1.',
  }),
  OPENAI_DEFAULT_MODEL: setting({
    schema: optional(text('a model name')),
    about:
      'The variable of the SDK for the default model, which it reads in lower case. OPENAI_MODEL takes precedence.',
  }),
  OPENAI_TIMEOUT: setting({
    schema: secondsToMs(0.1, 3600),
    default: '30.0',
    about:
      'Timeout of a blocking or streamed run in seconds, from receipt of the request to the answer, including the wait in the queue.',
  }),
  OPENAI_BASE_URL: setting({
    schema: baseUrl,
    default: 'https://api.openai.com/v1',
    about:
      'Base URL of the model provider: OpenAI, or any server that implements the OpenAI API, such as vLLM, llama.cpp, Ollama or Azure OpenAI.',
  }),
  OPENAI_API: setting({
    schema: optional(oneOf(['responses', 'chat_completions'])),
    about:
      'Which OpenAI API the provider is called with. Defaults to responses for OpenAI itself, else chat_completions.',
  }),
  MODEL_TRANSPORT: setting({
    schema: oneOf(['auto', 'openai']),
    default: 'auto',
    about:
      'HTTP client for model calls. auto: the lean client of the service where it supports the connection, else the openai package. openai: always the openai package.',
  }),
  HTTP_PROXY: setting({
    schema: optional(proxyUrl),
    secret: true,
    anyCase: true,
    about: 'HTTP proxy for model providers with an http: URL; http_proxy is read too. Defaults to none.',
  }),
  HTTPS_PROXY: setting({
    schema: optional(proxyUrl),
    secret: true,
    anyCase: true,
    about: 'HTTP proxy for model providers with an https: URL; https_proxy is read too. Defaults to none.',
  }),
  NO_PROXY: setting({
    schema: optional(text('names of hosts')),
    anyCase: true,
    about:
      'Hosts that are called without the proxy, separated by commas: names with the names below them, addresses and networks, such as localhost,.svc,10.0.0.0/8,10.0.0.5:8000; * for all. no_proxy is read too.',
  }),
  ...providerSettings,

  MAX_CONCURRENT_RUNS: setting({
    schema: whole(1, 10_000),
    default: '50',
    about:
      'Concurrency limit: slots for runs in a process (see WEB_CONCURRENCY). Background runs use four fifths of the slots at most.',
  }),
  MAX_QUEUED_RUNS: setting({
    schema: whole(0, 10_000),
    default: '100',
    about:
      'Length of the admission queue: callers that may wait in a process for a slot. A caller waits only if its answer is expected in time; the others are refused with 429. 0 turns the queue off.',
  }),
  EVENT_LOOP_DELAY_MAX: setting({
    schema: secondsToMs(0.05, 60),
    default: '1.0',
    about:
      'Load shedding: maximum average delay in seconds that the event loop may add to a request. Above it new runs are refused with 429.',
  }),
  ...priceSettings,
  ...budgetSettings,
  MAX_TURNS: setting({
    schema: whole(1, 1000),
    default: '10',
    about: 'Maximum number of model turns in a run, unless `serve({ runner: { maxTurns } })` says another.',
  }),
  MAX_INPUT_CHARS: setting({
    schema: whole(1, 5_000_000),
    default: '200000',
    about: 'Maximum length of the text of an input, in characters.',
  }),
  INPUT_PARTS_MAX: setting({
    schema: whole(1, 1_000),
    default: '50',
    about: 'Maximum number of content parts in an input: texts, pictures, files and sounds, over all its messages.',
  }),
  INPUT_BYTES_MAX: setting({
    schema: whole(0, 52_428_800),
    default: '10485760',
    about:
      'Maximum size of the pictures, files and sounds that an input brings along, together and decoded, in bytes. 0: none.',
  }),
  RUN_TIMEOUT_MAX: setting({
    schema: secondsToMs(1, 604_800),
    default: '3600',
    about: 'Timeout of a background run in seconds, and the maximum that a request may ask for.',
  }),
  TOOL_OUTPUT_MAX_BYTES: setting({
    schema: whole(1_024, 268_435_456),
    default: '16777216',
    about:
      'Largest result of a tool call, in bytes of the JSON that is recorded; images and files count as base64. A larger one ends the run with tool_output_too_large.',
  }),
  TOOL_EFFECT_DEFAULT: setting({
    schema: oneOf(['read', 'idempotent', 'once']),
    default: 'idempotent',
    about:
      'Default effect of tools that do not declare one with effect(). read: a repeated call changes nothing. idempotent: a repeated call has the same effect as one call. once: a repeated call does harm, so a person decides before it.',
  }),
  APP_VERSION: setting({
    schema: optional(z.string().regex(/^[\w.+-]{1,100}$/, 'letters, digits and . _ + -, 100 at most')),
    about: 'Version of your application, which is recorded with each run. Defaults to the version in its package.json.',
  }),
  VERSION_AFFINITY: setting({
    schema: oneOf(['any', 'strict']),
    default: 'any',
    about:
      'Which process may resume a run that has begun. any: a process of any version of the application. strict: only a process of the same version, for as long as one lives.',
  }),
  RUN_LEASE: setting({
    schema: secondsToMs(1, 300),
    default: '10',
    about:
      'Duration of the lease of a process in seconds. A process that does not extend its lease in time counts as dead, and its runs are recovered.',
  }),
  APPROVAL_EXPIRY: setting({
    schema: patience(1_000, 365 * 24 * 3_600_000),
    default: '7 days',
    about: 'How long a run waits for an approval. After that it fails with approval_expired.',
  }),
  RUN_RETENTION: setting({
    schema: retention(60_000, 3650 * 24 * 3_600_000),
    default: '30 days',
    about: 'Retention: how long a run is kept after its end, with its steps and events. The items of its session stay.',
  }),
  SESSION_MAX_ITEMS: setting({
    schema: whole(0, 100_000),
    default: '0',
    about:
      'Maximum number of history items that are sent to the model. Only complete turns are sent, and always the last turn. 0 sends the whole history. The stored history is not truncated.',
  }),

  MAX_STREAMS_PER_CALLER: setting({
    schema: whole(1, 1_000_000),
    default: '1000',
    about: 'Maximum number of open event streams of a caller in each process; more are refused with 429.',
  }),
  RATE_LIMIT_RPM: setting({
    schema: whole(1, 1_000_000),
    default: '100',
    about: 'Rate limit: runs that a caller may create in a minute. The limit of other requests is ten times that.',
  }),
  RATE_LIMIT_BURST: setting({
    schema: whole(1, 1_000_000),
    default: '20',
    about: 'Burst size of the rate limit: runs that a caller may create at once before RATE_LIMIT_RPM applies.',
  }),
  TRUST_PROXY: setting({
    schema: optional(proxies),
    about:
      'Proxies whose X-Forwarded-For header is trusted for the address of the caller: true, a number of hops, or addresses and networks separated by commas. Defaults to none.',
  }),
  AUTH_MODE: setting({
    schema: optional(oneOf(['api_key', 'none'])),
    about:
      'Authentication of callers: api_key requires an API key, none accepts every request. Defaults to none in development and test, else api_key.',
  }),
  ADMIN_API_KEY: setting({
    schema: optional(ownKey.refine((value) => value.length >= 16, 'at least 16 characters')),
    secret: true,
    about:
      'The first API key. It belongs to the tenant "default", has all scopes, and can create keys for every tenant. At least 16 characters.',
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
    about: 'Origins whose web pages may call the service (CORS), separated by commas; * for all. Defaults to none.',
  }),

  DATABASE_URL: setting({
    schema: optional(postgresUrl),
    secret: true,
    about: 'Postgres URL of the store. Without it the service uses an embedded store in DATA_DIR, for one process.',
  }),
  DATABASE_DIRECT_URL: setting({
    schema: optional(postgresUrl),
    secret: true,
    about:
      'Postgres URL without a connection pooler, for migrations, session locks and notifications. Defaults to DATABASE_URL.',
  }),
  DATABASE_POOL_MAX: setting({
    schema: whole(1, 1000),
    default: '10',
    about: 'Size of the connection pool of a process (see WEB_CONCURRENCY).',
  }),
  DATA_DIR: setting({ schema: folder, default: './data', about: 'Directory of the embedded store.' }),
  EMBEDDED_SYNC: setting({
    schema: oneOf(['full', 'normal']),
    default: 'full',
    about:
      'Durability of the embedded store. full: committed data survives a power failure. normal: faster, but a power failure may lose the last writes.',
  }),

  WEBHOOK_SIGNING_SECRET: setting({
    schema: optional(signingSecrets),
    secret: true,
    about:
      'Secrets that sign webhooks (Standard Webhooks), separated by spaces. Each webhook is signed with all of them, so that receivers can rotate secrets. Without a secret, runs with a webhook are refused.',
  }),
  WEBHOOK_ALLOW_NETWORKS: setting({
    schema: optional(networks),
    about:
      'Networks besides public addresses to which webhooks may be sent, separated by commas. Defaults to none; to 127.0.0.0/8,::1/128 in development and test.',
  }),
  WEBHOOK_ALLOW_HTTP: setting({
    schema: optional(oneOf(['true', 'false'])),
    about: 'Whether webhooks may use http: URLs. Defaults to true in development and test, else false.',
  }),

  HEALTH_CHECK_TIMEOUT: setting({
    schema: secondsToMs(0.1, 60),
    default: '5.0',
    about: 'Timeout of the periodic health check of the provider, in seconds.',
  }),
  READYZ_PROVIDER_DOWN: setting({
    schema: oneOf(['degraded', 'fail']),
    default: 'degraded',
    about:
      'Readiness while the provider cannot be reached. degraded: /readyz answers 200 with status degraded. fail: /readyz answers 503.',
  }),
  SHUTDOWN_GRACE: setting({
    schema: secondsToMs(0, 3600),
    default: '35',
    about: 'Grace period in seconds in which runs in flight can finish, after SIGTERM and PRESTOP_DELAY.',
  }),
  PRESTOP_DELAY: setting({
    schema: secondsToMs(0, 300),
    default: '0',
    about: 'Seconds after SIGTERM in which new runs are still accepted, while load balancers deregister the process.',
  }),
} as const;

/** The name of a setting in the environment. */
export type SettingName = keyof typeof settingsTable;
