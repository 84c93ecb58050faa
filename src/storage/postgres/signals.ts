import type { Logger } from '../../platform/logger.ts';
import type { Signal, Signals } from '../port/index.ts';
import type { Database, Statement } from './database.ts';
import { reasonOf } from './errors.ts';

/** The channel of NOTIFY that all processes on a database share. */
export const signalChannel = 'agent_service';

/** Postgres refuses payloads of 8,000 bytes and more (its documentation, NOTIFY); ids have no other characters than ASCII. */
const payloadMax = 7_900;

/** Signals that wait to be sent. Far more than one round trip brings; further ones are lost, as signals may be. */
const pendingMax = 10_000;

// A NOTIFY in the transaction of a write makes its commit wait for those of all other such transactions, one sync of the
// disk after another (Postgres, src/backend/commands/async.c). So it has a transaction of its own after the commit,
// without data and without a sync.
const notify: Statement = {
  name: 'notify',
  text: `select set_config('synchronous_commit', 'off', true), pg_notify('${signalChannel}', payload)
    from unnest($1::text[]) as payload`,
};

/** The signals that processes publish; each process detects dead processes by itself. */
type PublishedSignal = Exclude<Signal, { type: 'orphans' }>;

const kinds = { x: 'cancel', e: 'events' } as const;

/** Signals as texts that NOTIFY takes: `c`, `p`, `x <run>,<run>…`, `e <run>,<run>…`; split where they are too long. */
export function encodeSignals(signals: Iterable<PublishedSignal>): string[] {
  const ids = { x: new Set<string>(), e: new Set<string>() };
  let claimable = false;
  let providers = false;
  for (const signal of signals) {
    if (signal.type === 'claimable') claimable = true;
    else if (signal.type === 'providers') providers = true;
    else ids[signal.type === 'cancel' ? 'x' : 'e'].add(signal.runId);
  }
  return [...(claimable ? ['c'] : []), ...(providers ? ['p'] : []), ...split('x', ids.x), ...split('e', ids.e)];
}

function split(kind: string, ids: Iterable<string>): string[] {
  const payloads: string[] = [];
  for (const id of ids) {
    const last = payloads.at(-1);
    if (last !== undefined && last.length + id.length < payloadMax) payloads[payloads.length - 1] = `${last},${id}`;
    else payloads.push(`${kind} ${id}`);
  }
  return payloads;
}

/** The signals of a payload; none if this version does not know its kind. */
export function decodeSignals(payload: string): PublishedSignal[] {
  if (payload === 'c') return [{ type: 'claimable' }];
  if (payload === 'p') return [{ type: 'providers' }];
  const type = kinds[payload[0] as keyof typeof kinds];
  if (type === undefined) return [];
  return payload
    .slice(2)
    .split(',')
    .map((runId) => ({ type, runId }));
}

/**
 * Signals between the processes on one database, by NOTIFY. Signals that are published while a statement is running share
 * the next one. `receive` takes the payloads of `signalChannel`.
 */
export function createSignals(database: Database, log: Pick<Logger, 'warn'>) {
  const listeners = new Set<(signal: Signal) => void>();
  let pending: PublishedSignal[] = [];
  let sending: Promise<void> | null = null;

  const deliver = (signal: Signal) => {
    for (const listener of [...listeners]) {
      try {
        listener(signal);
      } catch (error) {
        log.warn({ reason: reasonOf(error), signal: signal.type }, 'a listener to signals failed');
      }
    }
  };

  const send = async () => {
    while (pending.length > 0) {
      const payloads = encodeSignals(pending);
      pending = [];
      await database
        .query(notify, [payloads])
        .catch((error: unknown) => log.warn({ reason: reasonOf(error) }, 'signals to other processes were lost'));
    }
    sending = null;
  };

  return {
    /** Publishes to all processes, this one too. Never fails: a signal that cannot be sent is lost. */
    publish(...signals: PublishedSignal[]): void {
      if (signals.length === 0 || pending.length + signals.length > pendingMax) return;
      pending.push(...signals);
      sending ??= send();
    },

    /** Delivers the signals of a payload to the listeners of this process. */
    receive(payload: string): void {
      for (const signal of decodeSignals(payload)) deliver(signal);
    },

    deliver,

    /** Resolves when no signal is queued. */
    sent: (): Promise<void> => sending ?? Promise.resolve(),

    subscribe(listener: (signal: Signal) => void): () => void {
      const own = (signal: Signal) => listener(signal); // the same function may subscribe twice
      listeners.add(own);
      return () => listeners.delete(own);
    },
  } satisfies Signals & Record<string, unknown>;
}

/** What `createSignals` makes. */
export type PostgresSignals = ReturnType<typeof createSignals>;
