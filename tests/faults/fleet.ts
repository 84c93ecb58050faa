import type { Targets } from '../support/load/targets.ts';
import type { Random } from '../support/random.ts';
import type { ServiceUnderTest } from '../support/service.ts';

/** How a process dies: by itself at the n-th fault point that it passes, or by the test after clients saw n events. */
export type Doom = { by: 'point' | 'test'; after: number };

/** Fault points, and events that clients see, between two deaths. */
const pointsMax = 120;
const eventsMax = 80;

/** What a fleet is made of. */
export type FleetOptions = {
  /** Processes that live at once. */
  size: number;
  /** Starts one; it kills itself at its `killAt`-th fault point, or not if that is 0. */
  start(killAt: number): Promise<ServiceUnderTest>;
  /** Whether no process may be killed at the moment, so that no run is taken for one that kills processes. */
  isEndangered(): Promise<boolean>;
  targets: Targets;
  random: Random;
};

/** Processes that are killed one at a time, at random, and replaced at once. */
export type Fleet = AsyncDisposable & {
  /** To be called with every event that a client sees. */
  eventSeen(): void;
  /** How the processes died so far. */
  readonly deaths: readonly Doom[];
  /** Rejects when a process could not be replaced, or ended in another way than it should have; never resolves. */
  readonly failed: Promise<never>;
};

/** Starts the processes of a fleet. From then on one of them is always about to be killed, until the fleet is disposed of. */
export async function startFleet({ size, start, isEndangered, targets, random }: FleetOptions): Promise<Fleet> {
  const living = new Set<ServiceUnderTest>();
  const deaths: Doom[] = [];
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {}); // a later caller awaits it
  let doom: Doom = { by: 'test', after: random.between(1, eventsMax) };
  let eventsLeft = Number.POSITIVE_INFINITY;
  let over = false;
  let replacing: Promise<void> = Promise.resolve();

  /**
   * Half of them die by themselves, over time: a process that is to kill itself cannot wait until that does no harm, so
   * it may not be started before.
   */
  async function nextDoom(): Promise<Doom> {
    const byThemselves = deaths.filter(({ by }) => by === 'point').length;
    const byItself = random.chance(byThemselves * 2 < deaths.length ? 0.8 : 0.2);
    const points = random.between(1, pointsMax);
    const events = random.between(1, eventsMax);
    return byItself && !(await isEndangered()) ? { by: 'point', after: points } : { by: 'test', after: events };
  }

  async function add(killAt: number): Promise<void> {
    const service = await start(killAt);
    if (over) return service[Symbol.asyncDispose]();
    living.add(service);
    targets.add(service.url);
    service.exited.then((end) => {
      if (!over) replacing = replace(service, end).catch(failure.reject);
    });
  }

  async function replace(service: ServiceUnderTest, end: number | NodeJS.Signals): Promise<void> {
    living.delete(service);
    targets.remove(service.url);
    if (end !== 'SIGKILL')
      throw new Error(`A process ended with ${end}: ${JSON.stringify(service.logLines().slice(-3))}`);
    deaths.push(doom);
    await appoint();
  }

  /** Decides about the next death, and starts the process that takes the place of the last one. */
  async function appoint(): Promise<void> {
    doom = await nextDoom();
    await add(doom.by === 'point' ? doom.after : 0).catch((error: unknown) => {
      // It took runs over at once and passed its fault point before it accepted requests.
      if (doom.by !== 'point' || !/ended with code null/.test(String(error))) throw error;
      deaths.push(doom);
      return appoint();
    });
    if (doom.by === 'test') eventsLeft = doom.after;
  }

  async function kill(): Promise<void> {
    if (await isEndangered()) {
      eventsLeft = 1; // with the next event, then
      return;
    }
    if (living.size > 0 && !over) random.pick([...living]).kill('SIGKILL');
  }

  await Promise.all(Array.from({ length: size }, () => add(0)));
  eventsLeft = doom.after;

  return {
    deaths,
    failed: failure.promise,
    eventSeen() {
      eventsLeft -= 1;
      if (eventsLeft > 0) return;
      eventsLeft = Number.POSITIVE_INFINITY;
      kill().catch(failure.reject);
    },
    async [Symbol.asyncDispose]() {
      over = true;
      await replacing;
      await Promise.all([...living].map((service) => service[Symbol.asyncDispose]()));
    },
  };
}
