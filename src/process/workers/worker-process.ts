import type { Worker } from 'node:cluster';
import { once } from 'node:events';
import type { Readiness } from '../../health/index.ts';
import type { Clock } from '../../platform/clock.ts';
import type { WorkerState } from './combined-readiness.ts';
import { type FromWorker, pack, type Serving, type ToWorker, unpack } from './messages.ts';
import type { Figures } from './metrics-aggregator.ts';

/** Signs of life missed in a row after which a worker is not counted on, and after which it is taken to hang. */
const missedMax = { silent: 5, hung: 30 };

/** How a process ended: its exit code, or else in words. */
export type ProcessEnd = number | string;

/** What a worker does of its own accord. */
export type WorkerListener = {
  /** It can be told things from now on. */
  onStarting(): void;
  onServing(serving: Serving): void;
  /** Somebody else than the primary has told it to end. */
  onSignalled(): void;
};

/** Follows one worker process from its fork to its end. */
export function followWorker(number: number, worker: Worker, listener: WorkerListener, clock: Clock) {
  let phase: 'loading' | 'starting' | 'serving' = 'loading';
  let readiness: Readiness = { state: 'not_ready', reason: 'starting' };
  let servedSinceMs = 0;
  let totals: Figures = [];
  let failure: string | undefined;
  let missed = 0;
  let asked: PromiseWithResolvers<Figures> | null = null;

  function tell(message: ToWorker): void {
    if (worker.isConnected()) worker.send(pack(message), () => {}); // that it is gone is noticed by its end
  }

  function answered(gauges: Figures): void {
    asked?.resolve(gauges);
    asked = null;
  }

  function hear(message: FromWorker): void {
    switch (message.type) {
      case 'starting':
        phase = 'starting';
        listener.onStarting();
        break;
      case 'failed':
        failure = message.message;
        break;
      case 'serving':
        phase = 'serving';
        servedSinceMs = clock.monotonicMs();
        readiness = { state: 'ready' };
        listener.onServing({ url: message.url, hasKey: message.hasKey });
        break;
      case 'alive':
        missed = 0;
        ({ readiness, totals } = message);
        break;
      case 'figures':
        totals = message.totals;
        answered(message.gauges);
        break;
      case 'signalled':
        listener.onSignalled();
        break;
    }
  }

  worker.on('message', (received: unknown) => {
    const message = unpack<FromWorker>(received);
    if (message !== null) hear(message);
  });

  return {
    number,
    /** Resolves when the process is gone and all that it had sent has arrived. */
    ended: endOf(worker).finally(() => answered([])),
    /** Whether it is still loading the program: it has nothing in hand, and cannot be told anything. */
    isLoading: () => phase === 'loading',
    isServing: () => phase === 'serving',
    /** How long it has served, in ms; null if it never did. */
    servedMs: () => (phase === 'serving' ? clock.monotonicMs() - servedSinceMs : null),
    /** Why its start failed, as it said itself. */
    failure: () => failure,
    /** What it has counted since its start, as far as it has told. */
    totals: () => totals,
    state: (): WorkerState => (missed > missedMax.silent ? { state: 'silent' } : readiness),

    /** Notes that a sign of life was due. True once it is to be taken to hang; a start may take as long as it likes. */
    missedOne(): boolean {
      if (phase === 'serving') missed += 1;
      return missed === missedMax.hung;
    },

    /** Asks for its figures of this moment; resolves with the gauges, or with none if it ends before it answers. */
    ask(): Promise<Figures> {
      asked ??= Promise.withResolvers();
      tell({ type: 'tellFigures' });
      return asked.promise;
    },

    /** Has it finish what it has in hand, and end: with all others, or while others serve on. */
    drain(all: boolean): void {
      if (phase === 'loading') worker.process.kill('SIGTERM');
      else tell({ type: 'drain', all });
    },

    /** Ends it at once, whatever it has in hand. */
    kill: (): void => void worker.process.kill('SIGKILL'),
  };
}

/** A worker process. */
export type WorkerProcess = ReturnType<typeof followWorker>;

async function endOf(worker: Worker): Promise<ProcessEnd> {
  const end = await new Promise<ProcessEnd>((resolve) => {
    worker.process.once('exit', (code, signal) => resolve(code ?? signal ?? 'an unknown end'));
    worker.on('error', (error) => {
      if (worker.process.pid === undefined) resolve(error.message); // the machine could not start it
    });
  });
  if (worker.process.pid !== undefined && worker.isConnected()) await once(worker, 'disconnect');
  return end;
}
