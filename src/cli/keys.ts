import { createKeyBody, createKeyService, type KeyService, toKeyView } from '../keys/index.ts';
import { systemClock } from '../platform/clock.ts';
import { createIds } from '../platform/ids.ts';
import type { Settings } from '../platform/settings/settings.ts';
import { StartError } from '../platform/start-error.ts';
import type { ApiKey } from '../storage/port/index.ts';
import { anonymousOperator as operator } from '../tenancy/index.ts';
import { requireStore } from './require-store.ts';
import { printLine, printNotice, toJson, toTable, withStore } from './with-store.ts';

/** The options of `agent-service keys create`. */
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
  /** How long the key is valid, in ms. */
  expires?: number;
  json?: true;
};

/** The options of `agent-service keys list`. */
export type ListKeysOptions = { tenant?: string; json?: true };

const pageSize = 200;

type Work = (keys: KeyService) => Promise<void>;

/** Runs the work that `prepare` returns with the key service over the store. */
const withKeys = (use: 'reads' | 'writes', prepare: (settings: Settings) => Work): Promise<void> =>
  withStore(use, (settings) => {
    const work = prepare(settings);
    const { rateLimit } = settings;
    const ids = createIds(systemClock.nowMs);
    return ({ store: { keys }, log }) => work(createKeyService({ keys, ids, clock: systemClock, rateLimit, log }));
  });

/** Converts the options to a request. @throws {StartError} that names each invalid option */
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

/** Creates a key. The key alone, or as JSON with its fields, goes to standard output; the rest to standard error. */
export async function createKey(options: CreateKeyOptions): Promise<void> {
  await withKeys('writes', () => {
    const request = toRequest(options);
    return async (keys) => {
      const { key, text } = await keys.create(operator, request);
      if (options.json) return printLine(toJson({ ...toKeyView(key), key: text }));
      printLine(text);
      printNotice(`Made ${key.id} for tenant ${key.tenantId} (${key.scopes.join(', ')}; ${stateOf(key)}).`);
      printNotice('This is the only time that the key is shown. The service knows it at once.');
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

/** Lists keys as a table, or as JSON with all fields; never their secrets. */
export async function listKeys({ tenant, json }: ListKeysOptions): Promise<void> {
  await withKeys('reads', (settings) => {
    requireStore(settings);
    return async (keys) => {
      const all = await readAll(keys, tenant);
      if (json) printLine(toJson(all.map(toKeyView)));
      else if (all.length === 0) printNotice('There are no keys.');
      else printLine(toTable([headings, ...all.map(toRow)]));
    };
  });
}

/** Revokes a key. Revoking it again has no effect. */
export async function revokeKey(id: string): Promise<void> {
  await withKeys('writes', (settings) => {
    requireStore(settings);
    return async (keys) => {
      await keys.revoke(operator, id);
      printLine(`${id} is revoked. No process lets it in for more than 3 seconds from now.`);
    };
  });
}
