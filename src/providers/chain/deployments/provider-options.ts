import { z } from 'zod';
import { officialUrl, withoutSlash } from '../../../platform/openai-server.ts';
import type { Settings } from '../../../platform/settings/settings.ts';
import { StartError } from '../../../platform/start-error.ts';
import { type ModelConnection, proxyFor } from '../../transport/index.ts';

/** Providers at most: they are asked in turn while a caller waits. */
const providersMax = 20;

const name = z
  .string({ error: 'a name' })
  .regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, 'a name of lower-case letters, digits, - and _, 40 at most');
const url = z
  .string({ error: 'a URL' })
  .refine((value) => URL.canParse(value) && /^https?:/.test(value), 'an http(s) URL');
const modelName = z.string({ error: 'the name of a model' }).min(1, 'the name of a model');
const names = z.array(z.string().min(1, 'a name')).min(1, 'at least one name');

const shared = {
  name,
  apiKey: z
    .string({ error: 'a key' })
    .min(1, 'a key')
    .regex(/^[\x21-\x7e]+$/, 'printable ASCII without spaces')
    .optional(),
  api: z.enum(['responses', 'chat_completions'], { error: 'one of responses, chat_completions' }).optional(),
  models: z
    .union([modelName, z.record(z.string(), modelName)], { error: 'the name of a model, or names by names' })
    .optional(),
  concurrency: z.int({ error: 'a whole number from 1' }).min(1, 'a whole number from 1').optional(),
  for: z.strictObject({ agents: names.optional(), models: names.optional() }).optional(),
};

const option = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({ kind: z.literal('openai'), ...shared, apiKey: shared.apiKey.unwrap(), baseUrl: url.optional() }),
    z.strictObject({
      kind: z.literal('azure'),
      ...shared,
      apiKey: shared.apiKey.unwrap(),
      endpoint: url,
      apiVersion: z.string({ error: 'a version such as 2024-10-21' }).min(1, 'a version such as 2024-10-21'),
    }),
    z.strictObject({ kind: z.literal('compatible'), ...shared, baseUrl: url }),
  ],
  { error: 'kind has to be one of openai, azure, compatible' },
);

type Shared = {
  /** The provider's name in events, steps, logs and metrics: lower-case letters, digits, `-` and `_`. */
  name: string;
  /** Which of the two APIs to use. Defaults to `responses` for OpenAI, else `chat_completions`. */
  api?: 'responses' | 'chat_completions';
  /** The names of models there, by the names that agents use; one name replaces all. Defaults to the same names. */
  models?: string | Record<string, string>;
  /** Calls at the same time with this key, over all processes. Defaults to `PROVIDER_MAX_CONCURRENCY`. */
  concurrency?: number;
  /** Only for these agents (by the `name` of the SDK's agent) and these models (by the names that agents use). */
  for?: { agents?: string[]; models?: string[] };
};

/** OpenAI itself. */
export type OpenAiOption = Shared & {
  kind: 'openai';
  apiKey: string /** Such as that of a region. */;
  baseUrl?: string;
};
/** Azure OpenAI: a model's name is that of a deployment there. */
export type AzureOption = Shared & {
  kind: 'azure';
  apiKey: string;
  /** The resource, such as `https://example.openai.azure.com`. */
  endpoint: string;
  apiVersion: string;
};
/** Any server that speaks the OpenAI protocol. */
export type CompatibleOption = Shared & { kind: 'compatible'; apiKey?: string; baseUrl: string };

/**
 * A model provider. The strings `environment` and `fallback` stand for the providers that the environment configures, to
 * put them elsewhere than first and last.
 */
export type ProviderOption = OpenAiOption | AzureOption | CompatibleOption | 'environment' | 'fallback';

/** A provider with its complete configuration. */
export type ProviderConfig = {
  name: string;
  connection: Pick<ModelConnection, 'baseUrl' | 'azure' | 'proxyUrl' | 'transport'> & { apiKey: string };
  api: 'responses' | 'chat_completions';
  models: string | Readonly<Record<string, string>>;
  /** Calls at the same time with its key, over all processes; null for no limit. */
  concurrency: number | null;
  agents: readonly string[] | null;
  onlyModels: readonly string[] | null;
};

/** The `providers` option has mistakes. The message lists all of them and contains no key. */
export class ProvidersError extends StartError {
  constructor(mistakes: readonly string[]) {
    super(['The providers option has mistakes:', ...mistakes.map((mistake) => `  ${mistake}`)].join('\n'));
    this.name = 'ProvidersError';
  }
}

const unrestricted = { agents: null, onlyModels: null };

/** The key for servers that need none: the client library requires one. */
const noKey = 'none';

/** The connection to a server, with the settings that apply to all servers. */
function connectionTo(baseUrl: string, apiKey: string | undefined, { openai, proxies }: Settings) {
  const proxyUrl = proxyFor(baseUrl, proxies);
  return {
    baseUrl,
    apiKey: apiKey ?? noKey,
    transport: openai.transport,
    ...(proxyUrl === undefined ? {} : { proxyUrl }),
  };
}

function environmentProvider(settings: Settings): ProviderConfig {
  const { openai, providerCallsMax } = settings;
  return {
    name: openai.official ? 'openai' : 'primary',
    connection: connectionTo(openai.baseUrl, openai.apiKey, settings),
    api: openai.api,
    models: {},
    concurrency: providerCallsMax,
    ...unrestricted,
  };
}

function fallbackProvider(settings: Settings): ProviderConfig[] {
  const { fallback, providerCallsMax } = settings;
  if (fallback === null) return [];
  const { baseUrl, apiKey, model, api } = fallback;
  const connection = connectionTo(baseUrl, apiKey, settings);
  return [{ name: 'fallback', connection, api, models: model ?? {}, concurrency: providerCallsMax, ...unrestricted }];
}

type ValidOption = z.output<typeof option>;

function connectionOf(given: ValidOption, settings: Settings): ProviderConfig['connection'] {
  if (given.kind === 'azure') {
    const { apiKey, apiVersion, endpoint } = given;
    return { ...connectionTo(withoutSlash(endpoint), apiKey, settings), azure: { apiVersion } };
  }
  return connectionTo(withoutSlash(given.baseUrl ?? officialUrl), given.apiKey, settings);
}

function toConfig(given: ValidOption, settings: Settings): ProviderConfig {
  return {
    name: given.name,
    connection: connectionOf(given, settings),
    api: given.api ?? (given.kind === 'openai' ? 'responses' : 'chat_completions'),
    models: given.models ?? {},
    concurrency: given.concurrency ?? settings.providerCallsMax,
    agents: given.for?.agents ?? null,
    onlyModels: given.for?.models ?? null,
  };
}

const pathOf = (path: readonly PropertyKey[], at: number) =>
  ['providers', at, ...path]
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index ? '.' : ''}${String(part)}`))
    .join('');

/** Validates one entry of the option; null if it has mistakes. Messages never contain the input, which may be a key. */
function validate(given: unknown, at: number, mistakes: string[]): ValidOption | null {
  const result = option.safeParse(given);
  if (result.success) return result.data;
  for (const { path, message, code } of result.error.issues) {
    const text = code === 'unrecognized_keys' ? message : `expected ${message}`;
    mistakes.push(`${pathOf(path, at)}: ${text}`);
  }
  return null;
}

/**
 * All providers in the order in which they are asked: the provider of the environment, those of the option, and the
 * environment's fallback, unless the option lists the first or the last elsewhere.
 *
 * @throws {ProvidersError} with every mistake at once
 */
export function providersOf(options: readonly ProviderOption[] | undefined, settings: Settings): ProviderConfig[] {
  const given = options ?? [];
  const mistakes: string[] = [];
  if (!Array.isArray(given)) throw new ProvidersError(['providers: expected a list']);
  if (given.length > providersMax) mistakes.push(`providers: expected at most ${providersMax}`);
  if (given.includes('fallback') && settings.fallback === null)
    mistakes.push('providers: "fallback" needs FALLBACK_OPENAI_BASE_URL or FALLBACK_OPENAI_API_KEY');
  // Without a key OpenAI itself cannot be used.
  const isUsable = settings.openai.apiKey !== undefined || !settings.openai.official;
  const environment = isUsable ? [environmentProvider(settings)] : [];
  const fallback = fallbackProvider(settings);
  const listed = given.flatMap((entry, at) => {
    if (entry === 'environment') return environment;
    if (entry === 'fallback') return fallback;
    const valid = validate(entry, at, mistakes);
    return valid ? [toConfig(valid, settings)] : [];
  });
  const providers = [
    ...(given.includes('environment') ? [] : environment),
    ...listed,
    ...(given.includes('fallback') ? [] : fallback),
  ];
  const seen = new Set<string>();
  for (const { name } of providers) {
    if (seen.has(name)) mistakes.push(`providers: two are called ${JSON.stringify(name)}`);
    seen.add(name);
  }
  if (mistakes.length > 0) throw new ProvidersError([...new Set(mistakes)]);
  return providers;
}
