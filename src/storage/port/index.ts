import type { Service } from '../../platform/lifecycle.ts';
import type { BudgetStore } from './budgets.ts';
import type { JournalStore } from './journal.ts';
import type { KeyStore } from './keys.ts';
import type { ProcessStore } from './processes.ts';
import type { ProviderStore } from './providers.ts';
import type { RateLimiter } from './rate-limits.ts';
import type { RetentionStore } from './retention.ts';
import type { RunStore } from './runs.ts';
import type { SessionStore } from './sessions.ts';
import type { Signals } from './signals.ts';
import type { WebhookStore } from './webhooks.ts';

export * from './budgets.ts';
export type * from './fencing.ts';
export * from './input-data.ts';
export type * from './inspection.ts';
export * from './journal.ts';
export * from './keys.ts';
export type * from './processes.ts';
export type * from './providers.ts';
export type * from './rate-limits.ts';
export type * from './retention.ts';
export * from './run-input.ts';
export type * from './runs.ts';
export type * from './sessions.ts';
export type * from './signals.ts';
export * from './store-environment.ts';
export * from './tool-output.ts';
export * from './types.ts';
export * from './unfinished-turn.ts';
export * from './webhooks.ts';

/**
 * Everything the service keeps. Two engines implement it, an embedded SQLite and Postgres, and pass the same contract
 * tests. A promise of a write resolves when the write is durable. A store that cannot be reached rejects with
 * `ServiceError` `store_unavailable`, and a value that it cannot hold with `not_storable`: nothing of the operation is
 * written then, and others at the same moment are not affected.
 */
export interface Store extends Service {
  readonly engine: 'sqlite' | 'postgres';
  /** What the store is and where, for people; never a password. */
  readonly place: string;
  /** The environment that the store is stamped with, as of its start; null for none. */
  environment(): string | null;
  readonly runs: RunStore;
  readonly sessions: SessionStore;
  readonly processes: ProcessStore;
  readonly journal: JournalStore;
  readonly retention: RetentionStore;
  readonly keys: KeyStore;
  readonly budgets: BudgetStore;
  readonly providers: ProviderStore;
  readonly webhooks: WebhookStore;
  readonly signals: Signals;
  /** Shared by all processes; null where there is only one process, which then counts in memory. */
  readonly rateLimiter: RateLimiter | null;
  /** Resolves when the store answers; for health checks. */
  ping(signal: AbortSignal): Promise<void>;
}
