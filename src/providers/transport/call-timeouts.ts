import { ModelCallTimeoutError } from './call-errors.ts';
import type { ModelTimeouts } from './connection.ts';

/** The clocks of one call. `expire` is called once, by the first that runs out. */
export class CallTimeouts {
  readonly #limits: ModelTimeouts;
  readonly #expire: (error: ModelCallTimeoutError) => void;
  #total: NodeJS.Timeout | undefined;
  #step: NodeJS.Timeout | undefined;
  #begun = false;
  #stopped = false;

  /** Starts them. */
  constructor(limits: ModelTimeouts, streamed: boolean, expire: (error: ModelCallTimeoutError) => void) {
    this.#limits = limits;
    this.#expire = expire;
    this.#total = this.#start('total', limits.totalTimeoutMs);
    if (streamed) this.#step = this.#start('first_byte', limits.firstByteTimeoutMs);
  }

  #start(clock: 'first_byte' | 'idle' | 'total', limitMs: number | null): NodeJS.Timeout | undefined {
    if (limitMs === null) return undefined;
    return setTimeout(() => {
      this.stop();
      this.#expire(new ModelCallTimeoutError(clock, limitMs));
    }, limitMs);
  }

  /** An event arrived: the time to the next one starts. */
  event(): void {
    if (this.#stopped) return;
    if (this.#begun) return void this.#step?.refresh();
    this.#begun = true;
    clearTimeout(this.#step);
    this.#step = this.#start('idle', this.#limits.idleTimeoutMs);
  }

  /** Nobody reads what arrives, so that nothing more can arrive: only the total goes on. */
  pause(): void {
    clearTimeout(this.#step);
    this.#step = undefined;
    this.#begun = false;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#total);
    clearTimeout(this.#step);
    this.#step = undefined;
  }
}
