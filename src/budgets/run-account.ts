import type { Spending } from '../storage/port/index.ts';
import { type ScopedAccount, sumOf } from './accounts.ts';
import { type CallPrice, type RemainingOutput, remainingOutputIn } from './remaining-output.ts';

/** The limits of what one run may spend; null for no limit. */
export type RunLimits = { tokensMax: number | null; nanoUsdMax: number | null };

/** An account without its id in the store; the account of a run is in no store. */
export type AccountLimits = Omit<ScopedAccount, 'id'>;

/**
 * The budget of the run itself. It is counted in memory: one process executes the run, and the journal has what earlier
 * attempts spent.
 */
export class RunAccount {
  readonly limits: AccountLimits;
  readonly #reservations = new Set<Spending>();
  #spent: Spending;

  constructor({ tokensMax, nanoUsdMax }: RunLimits, spentBefore: Spending) {
    this.limits = { tokensMax, nanoUsdMax, scope: 'run', period: 'run', endsAtMs: Number.POSITIVE_INFINITY };
    this.#spent = spentBefore;
  }

  /** Whether the run has a budget of its own. */
  get isLimited(): boolean {
    return this.limits.tokensMax !== null || this.limits.nanoUsdMax !== null;
  }

  /** What the settled calls of the run have spent. */
  get spent(): Spending {
    return this.#spent;
  }

  /** The output that the budget leaves to a call, given the open reservations of the run's other calls. */
  remainingOutput(price: CallPrice): RemainingOutput {
    return remainingOutputIn(this.limits, sumOf([this.#spent, ...this.#reservations]), price);
  }

  /** The output that the budget leaves to a call if the run's other calls turn out to use nothing. */
  remainingOutputMax(price: CallPrice): RemainingOutput {
    return remainingOutputIn(this.limits, this.#spent, price);
  }

  /** Reserves for a call, until the same object is released or settled. */
  reserve(spending: Spending): void {
    this.#reservations.add(spending);
  }

  /** Takes back a reservation whose call is not made. */
  release(reserved: Spending): void {
    this.#reservations.delete(reserved);
  }

  /** Replaces a reservation by what the call has spent. */
  settle(reserved: Spending, spending: Spending): void {
    this.#reservations.delete(reserved);
    this.#spent = sumOf([this.#spent, spending]);
  }
}
