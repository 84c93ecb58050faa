import { createKeyBody, createKeyService, type KeyService, toKeyView } from '../keys/index.ts';
import { systemClock } from '../platform/clock.ts';
import { createIds } from '../platform/ids.ts';
import type { Settings } from '../platform/settings/settings.ts';
import { StartError } from '../platform/start-error.ts';
import type { ApiKey } from '../storage/port/index.ts';
import { anonymousOperator as operator } from '../tenancy/index.ts';
import { requireStore } from './require-store.ts';
import { say, tell, toJson, toTable, withStore } from './with-store.ts';

/** What `agent-service keys create` is told. */
export type CreateKeyOptions = {
  tenant: string;
  /** Separated by commas. */
  scopes: string;
  name?: string;
  rpm?: number;
  burst?: number;
  budgetUsdDay?: number;
  budgetTokensDay?: number;
  budgetUsdMonth?: number;
  budgetTokensMonth?: number;
  /** How long it is valid, in ms. */
  expires?: number;
  json?: true;
};

/** What `agent-service keys list` is told. */
export type ListKeysOptions = { tenant?: string; json?: true };

const pageSize = 200;

type Work = (keys: KeyService) => Promise<void>;

/** Does with the keys of the store what `prepare` returns. */
const withKeys = (prepare: (settings: Settings) => Work): Promise<void> =>
  withStore((settings) => {
    const work = prepare(settings);
    const { rateLimit } = settings;
    const ids = createIds(systemClock.nowMs);
    return ({ store: { keys }, log }) => work(createKeyService({ keys, ids, clock: systemClock, rateLimit, log }));
  });

/** The request that the options make. @throws {StartError} that names each option with a mistake */
function toRequest({ scopes, expires, json: _, ...options }: CreateKeyOptions) {
  const result = createKeyBody.safeParse({
    tenant: options.tenant,
    name: options.name,
    scopes: scopes.split(',').map((scope) => scope.trim()),
    rpm: options.rpm,
    burst: options.burst,
    budget_usd_day: options.budgetUsdDay,
    budget_tokens_day: options.budgetTokensDay,
    budget_usd_month: options.budgetUsdMonth,
    budget_tokens_month: options.budgetTokensMonth,
    expires_at: expires === undefined ? undefined : new Date(systemClock.nowMs() + expires).toISOString(),
  });
  if (result.success) return result.data;
  const mistakes = result.error.issues.map(({ path, message }) => {
    const option = String(path[0]).replaceAll('_', '-').replace('expires-at', 'expires');
    return `--${option}: ${message}`;
  });
  throw new StartError([...new Set(mistakes)].join('\n'));
}

/** Makes a key. Standard output has the key alone, or all of it as JSON; the rest goes to standard error. */
export async function createKey(options: CreateKeyOptions): Promise<void> {
  await withKeys(() => {
    const request = toRequest(options);
    return async (keys) => {
      const { key, text } = await keys.create(operator, request);
      if (options.json) return say(toJson({ ...toKeyView(key), key: text }));
      say(text);
      tell(`Made ${key.id} for tenant ${key.tenantId} (${key.scopes.join(', ')}; ${stateOf(key)}).`);
      tell('This is the only time that the key is shown. The service knows it at once.');
    };
  });
}

function stateOf({ revokedAtMs, expiresAtMs }: ApiKey): string {
  if (revokedAtMs !== null) return `revoked ${dayOf(revokedAtMs)}`;
  if (expiresAtMs === null) return 'valid';
  return expiresAtMs <= systemClock.nowMs() ? `expired ${dayOf(expiresAtMs)}` : `valid until ${dayOf(expiresAtMs)}`;
}

const dayOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

async function readAll(keys: KeyService, tenant: string | undefined): Promise<ApiKey[]> {
  const all: ApiKey[] = [];
  let before: string | null = null;
  do {
    const page: Awaited<ReturnType<KeyService['list']>> = await keys.list(operator, tenant, pageSize, before);
    all.push(...page.data);
    before = page.next;
  } while (before !== null);
  return all;
}

const headings = ['ID', 'TENANT', 'NAME', 'SCOPES', 'STATE', 'LAST USED'];
const toRow = (key: ApiKey): string[] => [
  key.id,
  key.tenantId,
  key.name,
  key.scopes.join(','),
  stateOf(key),
  key.lastUsedAtMs === null ? 'never' : new Date(key.lastUsedAtMs).toISOString(),
];

/** Lists keys as a table, or as JSON with all that is known of each; never what proves them. */
export async function listKeys({ tenant, json }: ListKeysOptions): Promise<void> {
  await withKeys((settings) => {
    requireStore(settings);
    return async (keys) => {
      const all = await readAll(keys, tenant);
      if (json) say(toJson(all.map(toKeyView)));
      else if (all.length === 0) tell('There are no keys.');
      else say(toTable([headings, ...all.map(toRow)]));
    };
  });
}

/** Revokes a key; one that is revoked already stays so. */
export async function revokeKey(id: string): Promise<void> {
  await withKeys((settings) => {
    requireStore(settings);
    return async (keys) => {
      await keys.revoke(operator, id);
      say(`${id} is revoked. No process lets it in for more than 3 seconds from now.`);
    };
  });
}
