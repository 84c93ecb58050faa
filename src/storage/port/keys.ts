import { type Budgets, noBudgets } from './budgets.ts';
import type { Page } from './types.ts';

/** What a key may be let in to do: make, cancel, decide and delete; look; make and revoke keys. */
export const scopes = ['run', 'read', 'admin'] as const;

/** One of `scopes`. */
export type Scope = (typeof scopes)[number];

/** What the holder of a key may use of the service; null: the key has no such limit of its own. */
export type KeyLimits = Budgets & {
  /** Runs a minute, in place of `RATE_LIMIT_RPM`. */
  rpm: number | null;
  /** Runs at once, in place of `RATE_LIMIT_BURST`. */
  burst: number | null;
};

/** The limits of whoever has none of their own. */
export const noLimits: KeyLimits = {
  rpm: null,
  burst: null,
  ...noBudgets,
};

/** An API key as it is stored, without what proves it. */
export type ApiKey = KeyLimits & {
  id: string;
  tenantId: string;
  /** What people call it; may be empty. */
  name: string;
  /** In the order of `scopes`. */
  scopes: Scope[];
  createdAtMs: number;
  expiresAtMs: number | null;
  revokedAtMs: number | null;
  /** When it was last seen, to about a minute. */
  lastUsedAtMs: number | null;
};

/** A key that is to be made. */
export type NewApiKey = KeyLimits &
  Pick<ApiKey, 'id' | 'tenantId' | 'name' | 'scopes' | 'expiresAtMs'> & {
    /** The SHA-256 of the secret text, in hex. */
    hash: string;
    /** What the secret text begins with, which is no secret: for people who look into the database. */
    prefix: string;
  };

/** A key with what is needed to let its holder in. */
export type FoundKey = {
  key: ApiKey;
  hash: string;
  /** How long it is still valid, in ms by the database's clock: 0 if it is over, null for ever. */
  endsInMs: number | null;
};

/**
 * API keys. They are never removed, so that what was done with one can be explained. Where a tenant may be null, that
 * is for the operator: keys of all tenants.
 */
export interface KeyStore {
  /** Makes a key, and its tenant if that is new. */
  create(key: NewApiKey): Promise<ApiKey>;

  /** The last made first, by id; `before` is the id of the last key of the page before. */
  list(tenantId: string | null, limit: number, before: string | null): Promise<Page<ApiKey, string>>;

  /** Revokes a key for good, once: its time stays that of the first call. False if the tenant has no such key. */
  revoke(tenantId: string | null, keyId: string): Promise<boolean>;

  /** The keys of these ids (`key_…`), of all tenants and in any order; ids that there are not are left out. */
  find(keyIds: readonly string[]): Promise<FoundKey[]>;

  /** Notes that keys are used now, except those for which that was noted less than `everyMs` ago. */
  markUsed(keyIds: readonly string[], everyMs: number): Promise<void>;

  /** Whether any key is valid now. */
  anyValid(): Promise<boolean>;
}
