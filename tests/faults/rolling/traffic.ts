import { pause } from '../../support/load/pause.ts';
import type { LoadRun, SeenEvent } from '../../support/load/report.ts';
import { createRandom, type Random } from '../../support/random.ts';
import { type Caller, createCaller, createTally, type Tally } from './caller.ts';
import { type Client, createClient } from './client.ts';
import { type Entrance, entrances } from './load-balancer.ts';
import { planRun, type RunTemplate } from './plan.ts';

/** What the traffic came to. */
export type Traffic = {
  runs: LoadRun[];
  tally: Tally;
  violations: string[];
};

/** What traffic is made of. */
export type TrafficOptions = {
  urls: Record<Entrance, string>;
  /** Decides what chance decides. */
  seed: number;
  /** How long long runs take, in ms. */
  longMs: number;
  /** Called with every run that has been brought to its end. */
  onEnd?(): void;
};

/** One client each, through every entrance. */
const everywhere: RunTemplate[] = [
  { kind: 'blocking', shape: 'short' },
  { kind: 'stream', shape: 'short' },
  { kind: 'stream', shape: 'long' },
  { kind: 'stream', shape: 'long' },
  { kind: 'background', shape: 'long' },
  { kind: 'background', shape: 'long' },
];
/** One client each, through one entrance after the other. */
const somewhere: RunTemplate[] = [
  { kind: 'blocking', shape: 'approval' },
  { kind: 'stream', shape: 'approval' },
  { kind: 'background', shape: 'approval' },
  { kind: 'blocking', shape: 'queued' },
  { kind: 'stream', shape: 'queued' },
  { kind: 'background', shape: 'queued' },
  { kind: 'blocking', shape: 'long' },
];

const seldom: RunTemplate = { kind: 'blocking', shape: 'short' };

const templatesThrough = (index: number): RunTemplate[] => [
  ...everywhere,
  ...somewhere.filter((_, at) => at % entrances.length === index),
];

/** Events that all clients together see between two runs of a client that asks seldom. */
const eventsBetween = 300;
/** A signal that is never aborted. */
const never = new AbortController().signal;
/** How long a client waits at most until it asks again for what failed, in ms. */
const againMs = 100;

/** Wakes all that wait for the next notification. */
function createNotification() {
  let upcoming = Promise.withResolvers<void>();
  let closed = false;
  return {
    notify(): void {
      upcoming.resolve();
      if (!closed) upcoming = Promise.withResolvers();
    },
    /** From now on no wait blocks. */
    close(): void {
      closed = true;
      upcoming.resolve();
    },
    next: (): Promise<void> => upcoming.promise,
  };
}

/**
 * Clients of all kinds that go on until `stop` is called, each with connections of its own: blocking runs, streams,
 * runs in the background, runs that wait for a person or for their session, and polls.
 */
export function startTraffic({ urls, seed, longMs, onEnd = () => {} }: TrafficOptions) {
  const traffic: Traffic = { runs: [], tally: createTally(), violations: [] };
  const callers: Caller[] = [];
  const progress = createNotification();
  let stopping = false;
  let planned = 0;
  let events = 0;
  let newest: string | null = null;

  const onEvent = ({ run_id }: SeenEvent) => {
    newest = run_id;
    events += 1;
    progress.notify();
  };

  function createOwnClient(entrance: Entrance) {
    const { tally, violations } = traffic;
    const caller = createCaller(entrance, urls[entrance], tally);
    callers.push(caller);
    const violated = (what: string) => void violations.push(what);
    const beforeAgain = () => pause(againMs, never, progress.next);
    return createClient({ caller, tally, onEvent, violated, beforeAgain });
  }

  async function runTemplate(client: Client, template: RunTemplate, random: Random): Promise<LoadRun> {
    planned += 1;
    const run = await client.carryOut(planRun(random, planned, template, longMs));
    traffic.runs.push(run);
    onEnd();
    return run;
  }

  /** Requests runs of this template again and again. */
  async function keepAsking(entrance: Entrance, template: RunTemplate): Promise<void> {
    const random = createRandom(seed + callers.length);
    const client = createOwnClient(entrance);
    while (!stopping) await runTemplate(client, template, random);
  }

  /** Asks over a connection that has been idle since long before: its pod may refuse new runs by now. */
  async function askSeldom(entrance: Entrance): Promise<void> {
    const random = createRandom(seed + callers.length);
    const client = createOwnClient(entrance);
    while (!stopping) {
      const { runId } = await runTemplate(client, seldom, random);
      if (runId !== null) await client.poll(runId);
      const until = events + eventsBetween;
      while (!stopping && events < until) await progress.next();
    }
  }

  /** Polls as often as something happens, so that there is always a request on its way. */
  async function poll(entrance: Entrance): Promise<void> {
    const client = createOwnClient(entrance);
    while (!stopping) {
      await progress.next();
      if (newest !== null) await client.poll(newest);
    }
  }

  const busy = Promise.all(
    entrances.flatMap((entrance, index) => [
      poll(entrance),
      askSeldom(entrance),
      ...templatesThrough(index).map((template) => keepAsking(entrance, template)),
    ]),
  );
  busy.catch(() => {}); // the caller of `stop` gets the error

  return {
    ...traffic,

    /** Resolves when so many runs have ended since this call. */
    async ended(count: number): Promise<void> {
      const until = traffic.runs.length + count;
      while (traffic.runs.length < until) await Promise.race([progress.next(), busy]);
    },

    /** Lets every client finish what it is at. */
    async stop(): Promise<Traffic> {
      stopping = true;
      progress.close();
      await busy.finally(() => {
        for (const caller of callers) caller.close();
      });
      return traffic;
    },
  };
}
