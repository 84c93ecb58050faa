import type { Logger } from '../../platform/logger.ts';
import type { Signal, Signals } from '../port/index.ts';
import type { Database, Statement } from './database.ts';
import { reasonOf } from './errors.ts';

/** The channel of NOTIFY that all processes on a database share. */
export const signalChannel = 'agent_service';

/** Postgres refuses payloads of 8,000 bytes and more (its documentation, NOTIFY); ids have no other characters than ASCII. */
const payloadMax = 7_900;

/** Runs that wait to be told about. Far more than one round trip brings; what comes beyond is lost, as signals may be. */
const pendingMax = 10_000;

// A NOTIFY in the transaction of a write makes its commit wait for those of all other such transactions, one wait for
// the disk after another (Postgres, src/backend/commands/async.c). So it has a transaction of its own, after the
// commit, which holds no data and waits for no disk.
const notify: Statement = {
  name: 'notify',
  text: `select set_config('synchronous_commit', 'off', true), pg_notify('${signalChannel}', payload)
    from unnest($1::text[]) as payload`,
};

/** What one process tells others; of dead processes each finds out by itself. */
type Told = Exclude<Signal, { type: 'orphans' }>;

const kinds = { x: 'cancel', e: 'events' } as const;

/** Signals as texts that NOTIFY takes: `c`, `p`, `x <run>,<run>…`, `e <run>,<run>…`; split where they are too long. */
export function encodeSignals(signals: Iterable<Told>): string[] {
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

/** The signals of a payload; none of one that this version does not know. */
export function decodeSignals(payload: string): Told[] {
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
 * Signals between the processes on one database, by NOTIFY. Those that are published while a statement is under way
 * share the next one. `receive` is for whoever listens on `signalChannel`.
 */
export function createSignals(database: Database, log: Pick<Logger, 'warn'>) {
  const listeners = new Set<(signal: Signal) => void>();
  let pending: Told[] = [];
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
    /** Tells all processes, this one too. Never fails: a signal that cannot be sent is lost. */
    publish(...signals: Told[]): void {
      if (signals.length === 0 || pending.length + signals.length > pendingMax) return;
      pending.push(...signals);
      sending ??= send();
    },

    /** Tells the listeners of this process what a payload says. */
    receive(payload: string): void {
      for (const signal of decodeSignals(payload)) deliver(signal);
    },

    deliver,

    /** Resolves when nothing waits to be sent. */
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
