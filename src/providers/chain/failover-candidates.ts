import type { BreakerRegistry } from './breakers/breaker-registry.ts';
import type { Availability } from './breakers/tracked-breaker.ts';
import type { Deployment } from './deployments/deployment.ts';

/** The pause that a deployment has asked for, in ms; nothing for one whose circuit is open. */
const pauseMsOf = (availability: Availability): number[] =>
  availability.type === 'unavailable' && availability.reason === 'paused' ? [availability.forMs] : [];

/** The deployments that may answer one request, in the order in which they are asked. */
export class FailoverCandidates {
  readonly #deployments: readonly Deployment[];
  readonly #breakers: BreakerRegistry;
  readonly #excluded = new Set<Deployment>();

  constructor(deployments: readonly Deployment[], breakers: BreakerRegistry) {
    this.#deployments = deployments;
    this.#breakers = breakers;
  }

  /** Those that are not excluded. */
  remaining(): Deployment[] {
    return this.#deployments.filter((each) => !this.#excluded.has(each));
  }

  /** The request does not go to this deployment again. */
  exclude(deployment: Deployment): void {
    this.#excluded.add(deployment);
  }

  /** How many others could be asked now. */
  othersAvailable(deployment: Deployment): number {
    return this.#others(deployment).filter((each) => this.#breakers.availability(each).type !== 'unavailable').length;
  }

  /** When one of the others can take the request, in ms: at once (0), after its pause, or not (infinity). */
  otherAvailableInMs(deployment: Deployment): number {
    return this.#availableInMs(this.#others(deployment));
  }

  /** When one of the remaining ones can take the request, in ms: at once (0), after its pause, or not (infinity). */
  oneAvailableInMs(): number {
    return this.#availableInMs(this.remaining());
  }

  /** When any deployment may be asked again, excluded or with an open circuit too, in ms; infinity if there is none. */
  soonestMs(): number {
    return this.#deployments.reduce((soonestMs, each) => {
      const availability = this.#breakers.availability(each);
      return Math.min(soonestMs, availability.type === 'unavailable' ? availability.forMs : 0);
    }, Number.POSITIVE_INFINITY);
  }

  #others(deployment: Deployment): Deployment[] {
    return this.remaining().filter((each) => each !== deployment);
  }

  #availableInMs(deployments: readonly Deployment[]): number {
    // Each is read once: a pause may end between two reads.
    const availabilities = deployments.map(this.#breakers.availability);
    if (availabilities.some(({ type }) => type !== 'unavailable')) return 0;
    return Math.min(...availabilities.flatMap(pauseMsOf));
  }
}
