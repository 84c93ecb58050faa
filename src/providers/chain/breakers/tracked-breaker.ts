import type { Clock } from '../../../platform/clock.ts';
import type { Logger } from '../../../platform/logger.ts';
import {
  admission,
  admittedInMs,
  type BreakerEvent,
  type BreakerState,
  closedBreaker,
  nextBreaker,
} from './breaker-state.ts';
import type { KnownBreakerNote, SharedBreakers } from './shared-breakers.ts';

/** How long a probe is claimed for: until then no other probe is made, in ms. */
const probeMs = 30_000;
/** A pause is published again only if it is longer by this than the published one, in ms. */
const republishMs = 200;

/** Whether a deployment may be asked: yes, by one attempt that decides for all (`probe`), or not for some time. */
export type Availability =
  | { type: 'available' | 'probe' }
  | { type: 'unavailable'; forMs: number; reason: 'circuit_open' | 'paused' };

/** Dependencies of tracked breakers. */
export type TrackedBreakerDeps = {
  /** What other processes know; null where there are none. */
  sharedBreakers: SharedBreakers | null;
  clock: Clock;
  log: Pick<Logger, 'warn' | 'info'>;
  /** The name of a deployment or key, for logs. */
  nameOf(id: string): string;
};

/** The circuit breaker and the pause of one deployment, or of one key, as this process knows them. */
export class TrackedBreaker {
  readonly #deps: TrackedBreakerDeps;
  readonly #id: string;
  #state: BreakerState;
  /** Whether this process makes the probe: then older notes that the breaker waits for its probe do not apply. */
  #isProbedHere = false;
  #pausedUntilMs = 0;
  #publishedPauseUntilMs = 0;

  constructor(deps: TrackedBreakerDeps, id: string) {
    this.#deps = deps;
    this.#id = id;
    this.#state = closedBreaker(deps.clock.monotonicMs());
  }

  stateType(): BreakerState['type'] {
    return this.#state.type;
  }

  availability(nowMs: number): Availability {
    if (this.#pausedUntilMs > nowMs)
      return { type: 'unavailable', forMs: this.#pausedUntilMs - nowMs, reason: 'paused' };
    const admitted = admission(this.#state, nowMs);
    if (admitted !== 'none') return { type: admitted === 'all' ? 'available' : 'probe' };
    return { type: 'unavailable', forMs: admittedInMs(this.#state, nowMs), reason: 'circuit_open' };
  }

  /** Whether the next attempt would be the probe. */
  awaitsProbe(nowMs: number): boolean {
    return admission(this.#state, nowMs) === 'probe';
  }

  /** Whether this process may make the probe; it may if the store cannot be asked. */
  async claimProbe(): Promise<boolean> {
    const { sharedBreakers } = this.#deps;
    this.#apply({ type: 'probing', forMs: probeMs });
    this.#isProbedHere = true; // notes that were read before the claim no longer apply
    const claimed = sharedBreakers ? await sharedBreakers.claimProbe(this.#id, probeMs) : 'granted';
    if (claimed === 'gone') this.#apply({ type: 'closed_elsewhere' });
    else this.#isProbedHere = claimed === 'granted';
    return claimed !== 'taken';
  }

  /** The probe has ended without a result: the next attempt is the probe. */
  releaseProbe(): void {
    const state = this.#state;
    if (state.type !== 'half_open') return;
    this.#isProbedHere = false;
    this.#apply({ type: 'probing', forMs: 0 });
    this.#deps.sharedBreakers?.publish({ id: this.#id, type: 'open', forMs: 0, trips: state.trips });
  }

  /** If the attempt was the probe, it has succeeded. */
  passProbe(): void {
    if (this.#state.type === 'half_open') this.record({ type: 'succeeded' });
  }

  /** Applies what happened in this process, and publishes it if the breaker opened or closed. */
  record(event: Extract<BreakerEvent, { type: 'succeeded' | 'failed' | 'tripped' }>): void {
    const before = this.#state;
    this.#apply(event);
    const state = this.#state;
    if (state === before) return;
    const { sharedBreakers, clock } = this.#deps;
    if (state.type === 'open') {
      const forMs = state.untilMs - clock.monotonicMs();
      sharedBreakers?.publish({ id: this.#id, type: 'open', forMs, trips: state.trips });
    }
    if (state.type === 'closed' && before.type !== 'closed') sharedBreakers?.clear(this.#id);
  }

  /** The provider has asked for a pause. It is published unless the published pause is about as long. */
  pause(forMs: number): void {
    this.#extendPause(forMs);
    if (this.#pausedUntilMs - this.#publishedPauseUntilMs < republishMs) return;
    this.#publishedPauseUntilMs = this.#pausedUntilMs;
    this.#deps.sharedBreakers?.publish({ id: this.#id, type: 'pause', forMs });
  }

  /** Applies what another process has published. */
  applyNote(note: KnownBreakerNote): void {
    if (note.type === 'pause') {
      this.#extendPause(note.forMs);
      this.#publishedPauseUntilMs = Math.max(this.#publishedPauseUntilMs, this.#pausedUntilMs);
    } else if (!this.#isProbedHere || note.forMs > 0) {
      this.#apply({ type: 'opened_elsewhere', forMs: note.forMs, trips: note.trips });
      if (note.probeForMs > 0) this.#apply({ type: 'probing', forMs: note.probeForMs });
    }
  }

  /** Another process has closed the breaker. */
  applyClosed(): void {
    this.#apply({ type: 'closed_elsewhere' });
  }

  #extendPause(forMs: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#deps.clock.monotonicMs() + forMs);
  }

  #apply(event: BreakerEvent): void {
    const { clock, log, nameOf } = this.#deps;
    const before = this.#state;
    const state = nextBreaker(before, event, clock.monotonicMs());
    this.#state = state;
    if (state.type !== 'half_open') this.#isProbedHere = false;
    if (before.type === state.type) return;
    const fields = { deployment: nameOf(this.#id), trips: state.type === 'closed' ? 0 : state.trips };
    if (state.type === 'open') log.warn(fields, 'circuit breaker of a model provider opened');
    if (state.type === 'closed') log.info(fields, 'circuit breaker of a model provider closed');
  }
}
