import type { Clock } from '../../../platform/clock.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { Deployment } from '../deployments/deployment.ts';
import { faultRules, requestedPauseMs } from '../faults/failover-policy.ts';
import type { Fault } from '../faults/provider-fault.ts';
import type { BreakerState } from './breaker-state.ts';
import type { BreakerUpdate, SharedBreakers } from './shared-breakers.ts';
import { type Availability, TrackedBreaker } from './tracked-breaker.ts';

/** Dependencies of the breaker registry. */
export type BreakerRegistryDeps = {
  /** What other processes know; null where there are none. */
  sharedBreakers: SharedBreakers | null;
  clock: Clock;
  log: Pick<Logger, 'warn' | 'info'>;
};

type NamedDeployment = Pick<Deployment, 'id' | 'keyId' | 'provider' | 'model'>;

/** The breakers of keys and deployments by their ids; one that is asked for first is closed. */
function createTrackedBreakers({ sharedBreakers, clock, log }: BreakerRegistryDeps) {
  const breakers = new Map<string, TrackedBreaker>();
  const names = new Map<string, string>();
  const deps = { sharedBreakers, clock, log, nameOf: (id: string) => names.get(id) ?? id };

  function breakerOf(id: string): TrackedBreaker {
    let found = breakers.get(id);
    if (!found) {
      found = new TrackedBreaker(deps, id);
      breakers.set(id, found);
    }
    return found;
  }

  return {
    breakerOf,

    /** The two breakers that a deployment depends on. */
    breakersOf({ id, keyId, provider, model }: NamedDeployment): [ofKey: TrackedBreaker, ofDeployment: TrackedBreaker] {
      if (!names.has(id)) names.set(id, `${provider}/${model}`).set(keyId, provider);
      return [breakerOf(keyId), breakerOf(id)];
    },
  };
}

/** The availability of a deployment, by its key and by itself: the one that lasts longer, or the probe of either. */
function combine(ofKey: Availability, ofDeployment: Availability): Availability {
  if (ofKey.type === 'unavailable' && ofDeployment.type === 'unavailable')
    return ofKey.forMs > ofDeployment.forMs ? ofKey : ofDeployment;
  if (ofKey.type === 'unavailable') return ofKey;
  return ofDeployment.type === 'available' ? ofKey : ofDeployment;
}

/** Records a fault: against the deployment or its key, or as an answer where neither is at fault. */
function recordFault(ofKey: TrackedBreaker, ofDeployment: TrackedBreaker, fault: Fault): void {
  switch (faultRules[fault.kind].effect) {
    case 'counts':
      ofDeployment.record({ type: 'failed' });
      ofKey.passProbe(); // the key is not at fault
      return;
    case 'trips_deployment':
      ofDeployment.record({ type: 'tripped', forMs: fault.waitMs });
      ofKey.passProbe();
      return;
    case 'trips_key':
      ofKey.record({ type: 'tripped', forMs: fault.waitMs });
      ofDeployment.releaseProbe();
      return;
    case 'pauses':
      ofDeployment.pause(requestedPauseMs(fault));
      break;
    case 'none':
      break;
  }
  // The provider has answered, if only to refuse this request.
  ofKey.passProbe();
  ofDeployment.passProbe();
}

/**
 * The circuit breakers and pauses of deployments and keys. What this process learns is published to the other processes,
 * and what they publish applies here too.
 */
export function createBreakerRegistry(deps: BreakerRegistryDeps) {
  const { sharedBreakers, clock } = deps;
  const { breakerOf, breakersOf } = createTrackedBreakers(deps);

  function applyUpdate({ notes, closed }: BreakerUpdate): void {
    for (const note of notes) breakerOf(note.id).applyNote(note);
    for (const id of closed) breakerOf(id).applyClosed();
  }

  sharedBreakers?.subscribe(applyUpdate);

  return {
    /** Whether a deployment may be asked at this moment. */
    availability(deployment: NamedDeployment): Availability {
      const nowMs = clock.monotonicMs();
      const [ofKey, ofDeployment] = breakersOf(deployment);
      return combine(ofKey.availability(nowMs), ofDeployment.availability(nowMs));
    },

    /** Claims the probe of a deployment whose availability was `probe`; false if another process makes it. */
    async claimProbe(deployment: NamedDeployment): Promise<boolean> {
      const nowMs = clock.monotonicMs();
      for (const breaker of breakersOf(deployment)) {
        if (breaker.awaitsProbe(nowMs) && !(await breaker.claimProbe())) return false;
      }
      return true;
    },

    /** The deployment has answered. */
    succeeded(deployment: NamedDeployment): void {
      for (const breaker of breakersOf(deployment)) breaker.record({ type: 'succeeded' });
    },

    /** An attempt ended without a result for the deployment; if it was the probe, the next attempt is the probe. */
    inconclusive(deployment: NamedDeployment): void {
      for (const breaker of breakersOf(deployment)) breaker.releaseProbe();
    },

    /** The deployment has failed. */
    failed(deployment: NamedDeployment, fault: Fault): void {
      const [ofKey, ofDeployment] = breakersOf(deployment);
      recordFault(ofKey, ofDeployment, fault);
    },

    /** The deployment's quota is used up for a while. */
    pause(deployment: NamedDeployment, forMs: number): void {
      breakersOf(deployment)[1].pause(forMs);
    },

    /** The state of a deployment's breaker or of its key's, whichever is worse. */
    stateOf(deployment: NamedDeployment): BreakerState['type'] {
      const states = breakersOf(deployment).map((breaker) => breaker.stateType());
      return states.includes('open') ? 'open' : states.includes('half_open') ? 'half_open' : 'closed';
    },
  };
}

/** See `createBreakerRegistry`. */
export type BreakerRegistry = ReturnType<typeof createBreakerRegistry>;
