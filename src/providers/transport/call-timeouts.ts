import { ModelCallTimeoutError } from './call-errors.ts';
import type { ModelTimeouts } from './connection.ts';

/** The timers of one call. `expire` is called once, by the first timer that expires. */
export class CallTimeouts {
  readonly #limits: ModelTimeouts;
  readonly #expire: (error: ModelCallTimeoutError) => void;
  #totalTimer: NodeJS.Timeout | undefined;
  #eventTimer: NodeJS.Timeout | undefined;
  #isIdleTimer = false;
  #isStopped = false;

  /** Starts the timers. */
  constructor(limits: ModelTimeouts, streamed: boolean, expire: (error: ModelCallTimeoutError) => void) {
    this.#limits = limits;
    this.#expire = expire;
    this.#totalTimer = this.#start('total', limits.totalTimeoutMs);
    if (streamed) this.#eventTimer = this.#start('first_byte', limits.firstByteTimeoutMs);
  }

  #start(clock: 'first_byte' | 'idle' | 'total', limitMs: number | null): NodeJS.Timeout | undefined {
    if (limitMs === null) return undefined;
    return setTimeout(() => {
      this.stop();
      this.#expire(new ModelCallTimeoutError(clock, limitMs));
    }, limitMs);
  }

  /** An event arrived: restarts the idle timer. */
  event(): void {
    if (this.#isStopped) return;
    if (this.#isIdleTimer) return void this.#eventTimer?.refresh();
    this.#isIdleTimer = true;
    clearTimeout(this.#eventTimer);
    this.#eventTimer = this.#start('idle', this.#limits.idleTimeoutMs);
  }

  /** The stream is paused, so no event can arrive: only the total timer continues. */
  pause(): void {
    clearTimeout(this.#eventTimer);
    this.#eventTimer = undefined;
    this.#isIdleTimer = false;
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#totalTimer);
    clearTimeout(this.#eventTimer);
    this.#eventTimer = undefined;
  }
}
