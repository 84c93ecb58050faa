import type { Random } from '../random.ts';
import { dishonest, type Problem, problemIn, retryAfterMs } from './honest-error.ts';
import { pause } from './pause.ts';
import type { LoadError, LoadReport } from './report.ts';
import type { Targets } from './targets.ts';

/** How often one request is sent at most, over all services. */
const triesMax = 2_000;
/** The pause after every service has failed in turn, and what it grows to while that goes on, in ms. */
const againMs = 25;
const againMsMax = 250;
/** How long a client waits at most before it asks again, whatever Retry-After says, in ms. */
const retryMsMax = 2_000;

/** What requests of a load are sent with. */
export type SenderDeps = {
  targets: Targets;
  random: Random;
  report: Pick<LoadReport, 'errors' | 'drops' | 'violations'>;
  /** Settles when a run of the load has ended: a session may be free now. */
  anyEnd(signal: AbortSignal): Promise<unknown>;
  signal: AbortSignal;
};

/** A request of which run, for the report. */
export type Purpose = Pick<LoadError, 'run' | 'request'>;

/** A request that is sent until it has come to something. */
export type Sending<T> = {
  request(url: string): Promise<Response>;
  /** The statuses of answers that `take` is given. */
  wanted: number[];
  /** What came of an answer; undefined for nothing yet: then the request is sent again. */
  take(response: Response): Promise<T | undefined>;
};

/** What came of a request, or the answer that says that asking again is of no use, and how often it got lost before. */
export type Sent<T> = { value: T } | { refusal: Problem; drops: number };

/** Sends requests to whatever service lives, again and again until one of them has done what it was asked. */
export function createSender({ targets, random, report, anyEnd, signal }: SenderDeps) {
  /** A service that lives, another one than the last if there is one; waits a moment after each has failed in turn. */
  async function choose(last: string | null, fruitless: number): Promise<string> {
    while (targets.urls().length === 0) await targets.changed(signal);
    if (fruitless >= targets.urls().length) {
      await pause(Math.min(againMs * fruitless, againMsMax), signal, targets.changed);
      while (targets.urls().length === 0) await targets.changed(signal);
    }
    const others = targets.urls().filter((url) => url !== last);
    return random.pick(others.length > 0 && fruitless > 0 ? others : targets.urls());
  }

  /** Notes an answer that was not wanted. */
  async function note(response: Response, purpose: Purpose): Promise<Problem> {
    const body = await response.text();
    const problem = problemIn(body);
    report.errors.push({ ...purpose, status: response.status, code: problem.code ?? '', body });
    report.violations.push(...dishonest(response, body));
    return problem;
  }

  /** Waits until it makes sense to ask again; false if it never does: the problem is about a run, which goes on or not. */
  async function mayAskAgain({ headers }: Response, problem: Problem): Promise<boolean> {
    const delayMs = retryAfterMs(headers);
    if (delayMs === null || problem.run_id !== undefined) return false;
    const sooner = problem.code === 'session_busy' ? anyEnd : targets.changed;
    await pause(Math.min(delayMs, retryMsMax), signal, sooner);
    return true;
  }

  return {
    /** Sends a request until an answer that is wanted has come to something, or another one is final. */
    async send<T>(purpose: Purpose, { request, wanted, take }: Sending<T>): Promise<Sent<T>> {
      let last: string | null = null;
      let drops = 0;
      let fruitless = 0;
      for (let tries = 1; tries <= triesMax; tries += 1) {
        const url: string = await choose(last, fruitless);
        last = url;
        fruitless += 1;
        try {
          const response = await request(url);
          if (wanted.includes(response.status)) {
            const value = await take(response);
            if (value !== undefined) return { value };
            continue;
          }
          const refusal = await note(response, purpose);
          if (!(await mayAskAgain(response, refusal))) return { refusal, drops };
          fruitless = 0; // it has waited as Retry-After says
        } catch (error) {
          signal.throwIfAborted();
          if (!(error instanceof TypeError)) throw error; // fetch and its bodies fail with a TypeError, nothing else does
          drops += 1;
          report.drops += 1;
        }
      }
      throw new Error(`${purpose.request} of run ${purpose.run} did not succeed in ${triesMax} tries`);
    },
  };
}

/** Sends requests to whatever service lives. */
export type Sender = ReturnType<typeof createSender>;
