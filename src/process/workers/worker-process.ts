import type { Worker } from 'node:cluster';
import { once } from 'node:events';
import type { Readiness } from '../../health/index.ts';
import type { Clock } from '../../platform/clock.ts';
import type { WorkerState } from './combined-readiness.ts';
import { type FromWorker, pack, type Serving, type ToWorker, unpack } from './messages.ts';
import type { MetricsSnapshot } from './metrics-aggregator.ts';

/** Consecutive missed heartbeats after which a worker is silent, and after which it counts as hung. */
const missedMax = { silent: 5, hung: 30 };

/** How a process ended: its exit code, or otherwise the signal or the error. */
export type ProcessEnd = number | string;

/** Called for the events of a worker that the primary did not cause. */
export type WorkerListener = {
  /** The worker receives messages from now on. */
  onStarting(): void;
  onServing(serving: Serving): void;
  /** The worker got a signal to end that the primary did not send. */
  onSignalled(): void;
};

/** One worker process as the primary sees it, from its fork to its end. */
export class WorkerProcess {
  readonly number: number;
  /** Resolves when the process has ended and all its messages have arrived. */
  readonly ended: Promise<ProcessEnd>;
  readonly #worker: Worker;
  readonly #listener: WorkerListener;
  readonly #clock: Clock;
  #phase: 'loading' | 'starting' | 'serving' = 'loading';
  #readiness: Readiness = { state: 'not_ready', reason: 'starting' };
  #servingSinceMs = 0;
  #totals: MetricsSnapshot = [];
  #failure: string | undefined;
  #missedHeartbeats = 0;
  #gaugesRequest: PromiseWithResolvers<MetricsSnapshot> | null = null;

  constructor(number: number, worker: Worker, listener: WorkerListener, clock: Clock) {
    this.number = number;
    this.#worker = worker;
    this.#listener = listener;
    this.#clock = clock;
    worker.on('message', (received: unknown) => {
      const message = unpack<FromWorker>(received);
      if (message !== null) this.#handle(message);
    });
    this.ended = endOf(worker).finally(() => this.#resolveGauges([]));
  }

  /** Whether the process still loads the program: it has no work yet, and receives no messages. */
  isLoading(): boolean {
    return this.#phase === 'loading';
  }

  isServing(): boolean {
    return this.#phase === 'serving';
  }

  /** How long the worker has served, in ms; null if it never did. */
  servedMs(): number | null {
    return this.#phase === 'serving' ? this.#clock.monotonicMs() - this.#servingSinceMs : null;
  }

  /** Why the start failed, as the worker reported it. */
  failure(): string | undefined {
    return this.#failure;
  }

  /** The totals since the start of the worker, as of its last report. */
  totals(): MetricsSnapshot {
    return this.#totals;
  }

  state(): WorkerState {
    return this.#missedHeartbeats > missedMax.silent ? { state: 'silent' } : this.#readiness;
  }

  /** Counts a heartbeat that is due. True once the worker counts as hung. A start may take any time. */
  missHeartbeat(): boolean {
    if (this.#phase === 'serving') this.#missedHeartbeats += 1;
    return this.#missedHeartbeats === missedMax.hung;
  }

  /** Requests the current metrics; resolves with the gauges, or with none if the worker ends before it answers. */
  requestGauges(): Promise<MetricsSnapshot> {
    this.#gaugesRequest ??= Promise.withResolvers();
    this.#send({ type: 'reportMetrics' });
    return this.#gaugesRequest.promise;
  }

  /** Has the worker finish its work and end: with all others, or while the others continue to serve. */
  drain(all: boolean): void {
    if (this.#phase === 'loading') this.#worker.process.kill('SIGTERM');
    else this.#send({ type: 'drain', all });
  }

  /** Ends the process at once, in the middle of its work. */
  kill(): void {
    this.#worker.process.kill('SIGKILL');
  }

  #send(message: ToWorker): void {
    if (this.#worker.isConnected()) this.#worker.send(pack(message), () => {}); // `ended` reports a worker that has ended
  }

  #resolveGauges(gauges: MetricsSnapshot): void {
    this.#gaugesRequest?.resolve(gauges);
    this.#gaugesRequest = null;
  }

  #handle(message: FromWorker): void {
    switch (message.type) {
      case 'starting':
        this.#phase = 'starting';
        this.#listener.onStarting();
        break;
      case 'failed':
        this.#failure = message.message;
        break;
      case 'serving':
        this.#phase = 'serving';
        this.#servingSinceMs = this.#clock.monotonicMs();
        this.#readiness = { state: 'ready' };
        this.#listener.onServing({ url: message.url, hasKey: message.hasKey, store: message.store });
        break;
      case 'heartbeat':
        this.#missedHeartbeats = 0;
        this.#readiness = message.readiness;
        this.#totals = message.totals;
        break;
      case 'metrics':
        this.#totals = message.totals;
        this.#resolveGauges(message.gauges);
        break;
      case 'signalled':
        this.#listener.onSignalled();
        break;
    }
  }
}

async function endOf(worker: Worker): Promise<ProcessEnd> {
  const end = await new Promise<ProcessEnd>((resolve) => {
    worker.process.once('exit', (code, signal) => resolve(code ?? signal ?? 'an unknown end'));
    worker.on('error', (error) => {
      if (worker.process.pid === undefined) resolve(error.message); // the machine could not start the process
    });
  });
  if (worker.process.pid !== undefined && worker.isConnected()) await once(worker, 'disconnect');
  return end;
}
