import { type Budgets, noBudgets } from './budgets.ts';
import type { Page } from './types.ts';

/** The permissions of a key: to create, cancel, decide and delete (`run`); to read; to create and revoke keys (`admin`). */
export const scopes = ['run', 'read', 'admin'] as const;

/** One of `scopes`. */
export type Scope = (typeof scopes)[number];

/** The limits of a key; null: the key has no such limit of its own. */
export type KeyLimits = Budgets & {
  /** Runs a minute, in place of `RATE_LIMIT_RPM`. */
  rpm: number | null;
  /** Runs at once, in place of `RATE_LIMIT_BURST`. */
  burst: number | null;
};

/** The limits of a key without any of its own. */
export const noLimits: KeyLimits = {
  rpm: null,
  burst: null,
  ...noBudgets,
};

/** An API key as it is stored, without its hash. */
export type ApiKey = KeyLimits & {
  id: string;
  tenantId: string;
  /** A name for people; may be empty. */
  name: string;
  /** In the order of `scopes`. */
  scopes: Scope[];
  createdAtMs: number;
  expiresAtMs: number | null;
  revokedAtMs: number | null;
  /** When it was last used, to about a minute. */
  lastUsedAtMs: number | null;
};

/** A key that is to be created. */
export type NewApiKey = KeyLimits &
  Pick<ApiKey, 'id' | 'tenantId' | 'name' | 'scopes' | 'expiresAtMs'> & {
    /** The SHA-256 of the secret text, in hex. */
    hash: string;
    /** The beginning of the secret text, which is no secret: for people who read the database. */
    prefix: string;
  };

/** A key with what is needed to authenticate a request. */
export type FoundKey = {
  key: ApiKey;
  hash: string;
  /** How long it is still valid, in ms by the database's clock: 0 if it has expired or was revoked, null for ever. */
  endsInMs: number | null;
};

/**
 * API keys. They are never removed, so that it can be explained later what was done with one. Where a tenant may be null,
 * null is for the operator: keys of all tenants.
 */
export interface KeyStore {
  /** Creates a key, and its tenant if that is new. */
  create(key: NewApiKey): Promise<ApiKey>;

  /** Newest first, by id; `before` is the id of the last key of the page before. */
  list(tenantId: string | null, limit: number, before: string | null): Promise<Page<ApiKey, string>>;

  /** Revokes a key for good; a second call does not change its time. False if the tenant has no such key. */
  revoke(tenantId: string | null, keyId: string): Promise<boolean>;

  /** The keys of these ids (`key_…`), of all tenants and in any order; unknown ids are left out. */
  find(keyIds: readonly string[]): Promise<FoundKey[]>;

  /** Stores that keys are used now, except for keys for which that was stored less than `everyMs` ago. */
  markUsed(keyIds: readonly string[], everyMs: number): Promise<void>;

  /** Whether any key is valid now. */
  anyValid(): Promise<boolean>;
}
