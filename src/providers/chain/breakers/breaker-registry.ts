import type { Clock } from '../../../platform/clock.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { Deployment } from '../deployments/deployment.ts';
import { faultRules, pauseAskedMs } from '../faults/failover-policy.ts';
import type { Fault } from '../faults/provider-fault.ts';
import {
  admission,
  admittedInMs,
  type BreakerEvent,
  type BreakerState,
  closedBreaker,
  nextBreaker,
} from './breaker-state.ts';
import type { SharedBreakers } from './shared-breakers.ts';

/** A probe has this long before another may be made, in ms. */
const probeMs = 30_000;
/** A pause is told to others again only if it is longer by this than what they know, in ms. */
const toldAgainMs = 200;

/** Whether a deployment may be asked: yes, by one attempt that decides for all (`probe`), or not before some time. */
export type Readiness =
  | { type: 'ready' | 'probe' }
  | { type: 'not_ready'; forMs: number; why: 'circuit_open' | 'paused' };

/** What is known of one deployment, or of one key. */
type Subject = {
  id: string;
  breaker: BreakerState;
  /** Whether the probe is made here: then nobody else says that it is waited for. */
  probedHere: boolean;
  pausedUntilMs: number;
  pauseToldMs: number;
};

/** What the standing of deployments stands on. */
export type BreakerRegistryDeps = {
  /** What other processes know; null where there are none. */
  board: SharedBreakers | null;
  clock: Clock;
  log: Pick<Logger, 'warn' | 'info'>;
};

type Named = Pick<Deployment, 'id' | 'keyId' | 'provider' | 'model'>;

/**
 * How deployments and keys stand: their circuit breakers, and for how long they are to be left alone. What this process
 * learns it tells the others by the board, and hears from them.
 */
export function createBreakerRegistry({ board, clock, log }: BreakerRegistryDeps) {
  const subjects = new Map<string, Subject>();
  const names = new Map<string, string>();

  function subject(id: string): Subject {
    let found = subjects.get(id);
    if (!found) {
      found = { id, breaker: closedBreaker(clock.monotonicMs()), probedHere: false, pausedUntilMs: 0, pauseToldMs: 0 };
      subjects.set(id, found);
    }
    return found;
  }

  function both({ id, keyId, provider, model }: Named): [key: Subject, own: Subject] {
    if (!names.has(id)) names.set(id, `${provider}/${model}`).set(keyId, provider);
    return [subject(keyId), subject(id)];
  }

  /** What was the probe has said nothing: the next one is. */
  function leaveProbe(who: Subject): void {
    const { breaker } = who;
    if (breaker.type !== 'half_open') return;
    who.probedHere = false;
    move(who, { type: 'probing', forMs: 0 });
    board?.tell({ id: who.id, type: 'open', forMs: 0, trips: breaker.trips });
  }

  /** If this was the probe, it has gone well. */
  function passProbe(who: Subject): void {
    if (who.breaker.type === 'half_open') moveAndTell(who, { type: 'succeeded' });
  }

  function move(who: Subject, event: BreakerEvent): void {
    const before = who.breaker;
    who.breaker = nextBreaker(before, event, clock.monotonicMs());
    if (who.breaker.type !== 'half_open') who.probedHere = false;
    if (before.type === who.breaker.type) return;
    const facts = {
      deployment: names.get(who.id) ?? who.id,
      trips: who.breaker.type === 'closed' ? 0 : who.breaker.trips,
    };
    if (who.breaker.type === 'open') log.warn(facts, 'circuit breaker of a model provider opened');
    if (who.breaker.type === 'closed') log.info(facts, 'circuit breaker of a model provider closed');
  }

  /** As `move`, by what happened here: then the others are told. */
  function moveAndTell(who: Subject, event: BreakerEvent): void {
    const before = who.breaker;
    move(who, event);
    const { breaker } = who;
    if (breaker === before) return;
    if (breaker.type === 'open')
      board?.tell({ id: who.id, type: 'open', forMs: breaker.untilMs - clock.monotonicMs(), trips: breaker.trips });
    if (breaker.type === 'closed' && before.type !== 'closed') board?.clear(who.id);
  }

  function pause(who: Subject, forMs: number): void {
    who.pausedUntilMs = Math.max(who.pausedUntilMs, clock.monotonicMs() + forMs);
    if (who.pausedUntilMs - who.pauseToldMs < toldAgainMs) return;
    who.pauseToldMs = who.pausedUntilMs;
    board?.tell({ id: who.id, type: 'pause', forMs });
  }

  board?.onNews((news) => {
    for (const note of news.notes) {
      const who = subject(note.id);
      if (note.type === 'pause') {
        who.pausedUntilMs = Math.max(who.pausedUntilMs, clock.monotonicMs() + note.forMs);
        who.pauseToldMs = Math.max(who.pauseToldMs, who.pausedUntilMs);
      } else if (!who.probedHere || note.forMs > 0) {
        move(who, { type: 'opened_elsewhere', forMs: note.forMs, trips: note.trips });
        if (note.probeForMs > 0) move(who, { type: 'probing', forMs: note.probeForMs });
      }
    }
    for (const id of news.closed) move(subject(id), { type: 'closed_elsewhere' });
  });

  function readinessOf(who: Subject, nowMs: number): Readiness {
    if (who.pausedUntilMs > nowMs) return { type: 'not_ready', forMs: who.pausedUntilMs - nowMs, why: 'paused' };
    const admitted = admission(who.breaker, nowMs);
    if (admitted !== 'none') return { type: admitted === 'all' ? 'ready' : 'probe' };
    return { type: 'not_ready', forMs: admittedInMs(who.breaker, nowMs), why: 'circuit_open' };
  }

  /** Whether this process may make the probe; where nobody can tell, it may. */
  async function claimProbe(who: Subject): Promise<boolean> {
    move(who, { type: 'probing', forMs: probeMs });
    who.probedHere = true; // what was read of it before is no news any more
    const claimed = board ? await board.claimProbe(who.id, probeMs) : 'granted';
    if (claimed === 'gone') move(who, { type: 'closed_elsewhere' });
    else who.probedHere = claimed === 'granted';
    return claimed !== 'taken';
  }

  return {
    /** Whether a deployment may be asked at this moment. */
    readiness(deployment: Named): Readiness {
      const nowMs = clock.monotonicMs();
      const [key, own] = both(deployment).map((each) => readinessOf(each, nowMs)) as [Readiness, Readiness];
      if (key.type === 'not_ready' && own.type === 'not_ready') return key.forMs > own.forMs ? key : own;
      if (key.type === 'not_ready') return key;
      return own.type === 'ready' ? key : own;
    },

    /** Takes the right to ask a deployment whose readiness was `probe`; false if another process has it. */
    async admit(deployment: Named): Promise<boolean> {
      const nowMs = clock.monotonicMs();
      for (const who of both(deployment)) {
        if (admission(who.breaker, nowMs) === 'probe' && !(await claimProbe(who))) return false;
      }
      return true;
    },

    /** The deployment has answered. */
    answered(deployment: Named): void {
      for (const who of both(deployment)) moveAndTell(who, { type: 'succeeded' });
    },

    /** An attempt ended without saying anything about the deployment; if it was the probe, the next one is. */
    undecided(deployment: Named): void {
      for (const who of both(deployment)) leaveProbe(who);
    },

    /** The deployment has failed. */
    failed(deployment: Named, fault: Fault): void {
      const [key, own] = both(deployment);
      switch (faultRules[fault.kind].effect) {
        case 'counts':
          moveAndTell(own, { type: 'failed' });
          passProbe(key); // the key is not at fault
          return;
        case 'trips_deployment':
          moveAndTell(own, { type: 'tripped', forMs: fault.waitMs });
          passProbe(key);
          return;
        case 'trips_key':
          moveAndTell(key, { type: 'tripped', forMs: fault.waitMs });
          leaveProbe(own);
          return;
        case 'pauses':
          pause(own, pauseAskedMs(fault));
          break;
        case 'none':
          break;
      }
      // It has answered, if only to refuse this request.
      for (const who of [key, own]) passProbe(who);
    },

    /** The deployment's quota is used up for a while. */
    pause(deployment: Named, forMs: number): void {
      pause(both(deployment)[1], forMs);
    },

    /** The breaker of a deployment, the worse of its own and its key's. */
    stateOf(deployment: Named): BreakerState['type'] {
      const states = both(deployment).map(({ breaker }) => breaker.type);
      return states.includes('open') ? 'open' : states.includes('half_open') ? 'half_open' : 'closed';
    },
  };
}

/** See `createBreakerRegistry`. */
export type BreakerRegistry = ReturnType<typeof createBreakerRegistry>;
