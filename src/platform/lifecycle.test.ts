import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Service, supervise } from './lifecycle.ts';

const patient = new AbortController().signal;

/** A service that notes what happens to it, and may fail or take its time. */
function createNoting(name: string, notes: string[], play: Partial<Service> = {}): Service {
  return {
    name,
    async start() {
      notes.push(`start ${name}`);
      await play.start?.();
    },
    async stop(deadline) {
      notes.push(`stop ${name}`);
      await play.stop?.(deadline);
    },
  };
}
const failing = (message: string) => () => Promise.reject(new Error(message));

describe('services under one supervisor', () => {
  test('start in the order given and stop in reverse', async () => {
    const notes: string[] = [];
    const all = supervise(
      'all',
      ['a', 'b', 'c'].map((name) => createNoting(name, notes)),
    );
    await all.start();
    await all.stop(patient);
    expect(notes).toEqual(['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a']);
  });

  test('wait for one another', async () => {
    const notes: string[] = [];
    const started = Promise.withResolvers<void>();
    const all = supervise('all', [
      createNoting('a', notes, { start: () => started.promise }),
      createNoting('b', notes),
    ]);
    const starting = all.start();
    expect(notes).toEqual(['start a']);
    started.resolve();
    await starting;
    expect(notes).toEqual(['start a', 'start b']);
  });

  test('are stopped again, the half-started one too, when one fails to start, and the failure is thrown', async () => {
    const notes: string[] = [];
    const all = supervise('all', [
      createNoting('a', notes, { stop: failing('also this') }),
      createNoting('b', notes, { start: failing('no port') }),
      createNoting('c', notes),
    ]);
    await expect(all.start()).rejects.toThrow('no port');
    expect(notes).toEqual(['start a', 'start b', 'stop b', 'stop a']);
  });

  test('are all stopped although some fail to, and every failure is told', async () => {
    const notes: string[] = [];
    const all = supervise('all', [
      createNoting('a', notes, { stop: failing('a hangs') }),
      createNoting('b', notes, {
        stop: () => {
          throw new Error('b throws at once');
        },
      }),
      createNoting('c', notes, { stop: failing('c hangs') }),
    ]);
    await all.start();
    const stopping = all.stop(patient);
    await expect(stopping).rejects.toThrow('all did not stop cleanly');
    await expect(stopping).rejects.toMatchObject({
      errors: [{ message: 'c hangs' }, { message: 'b throws at once' }, { message: 'a hangs' }],
    });
    expect(notes.slice(3)).toEqual(['stop c', 'stop b', 'stop a']);
  });

  test('are started once and stopped once, however often both are asked for', async () => {
    const notes: string[] = [];
    const all = supervise('all', [createNoting('a', notes)]);
    await Promise.all([all.start(), all.start()]);
    await all.start();
    await all.stop(patient);
    await all.stop(patient);
    expect(notes).toEqual(['start a', 'stop a']);
  });

  test('can be started again after they were stopped, and after a start that failed', async () => {
    const notes: string[] = [];
    let fails = true;
    const start = async () => {
      if (fails) throw new Error('not yet');
    };
    const all = supervise('all', [createNoting('a', notes, { start })]);
    await expect(all.start()).rejects.toThrow('not yet');
    fails = false;
    await all.start();
    await all.stop(patient);
    await all.start();
    await all.stop(patient);
    expect(notes).toEqual(['start a', 'stop a', 'start a', 'stop a', 'start a', 'stop a']);
  });

  test('stopped while they start, do not go on starting, and the start says so', async () => {
    const notes: string[] = [];
    const begun = Promise.withResolvers<void>();
    const undone = Promise.withResolvers<void>();
    const start = () => {
      begun.resolve();
      return undone.promise;
    };
    const all = supervise('all', [
      createNoting('a', notes),
      createNoting('b', notes, { start, stop: async () => undone.resolve() }),
      createNoting('c', notes),
    ]);
    const starting = expect(all.start()).rejects.toThrow('all was stopped while it started');
    await begun.promise;
    await all.stop(patient);
    await starting;
    expect(notes).toEqual(['start a', 'start b', 'stop b', 'stop a']);
  });

  test('a second stop waits as well, and its deadline reaches the service that the first one waits for', async () => {
    const notes: string[] = [];
    const asked = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    const stop = async (deadline: AbortSignal) => {
      asked.resolve();
      if (deadline.aborted) left.resolve();
      await left.promise;
    };
    const all = supervise('all', [createNoting('a', notes), createNoting('b', notes, { stop })]);
    await all.start();
    const first = all.stop(patient);
    await asked.promise;
    await all.stop(AbortSignal.abort());
    await first;
    expect(notes.slice(0, 4)).toEqual(['start a', 'start b', 'stop b', 'stop b']);
    expect(new Set(notes.slice(4))).toEqual(new Set(['stop a']));
  });

  test('leave nothing running, whatever fails and whenever the stop comes', async () => {
    const plays = fc.array(
      fc.record({
        startFails: fc.boolean(),
        stopFails: fc.boolean(),
        turns: fc.nat({ max: 6 }),
        stopTurns: fc.nat({ max: 6 }),
      }),
      { maxLength: 5 },
    );
    await fc.assert(
      fc.asyncProperty(plays, fc.nat({ max: 12 }), async (each, turnsBeforeStop) => {
        const alive = new Set<number>();
        const turn = () => Promise.resolve();
        const services = each.map(({ startFails, stopFails, turns, stopTurns }, index): Service => {
          let isWanted = false;
          return {
            name: String(index),
            async start() {
              isWanted = true;
              for (let left = turns; left > 0; left -= 1) await turn();
              if (startFails) throw new Error('start');
              if (isWanted) alive.add(index);
            },
            async stop() {
              isWanted = false;
              for (let left = stopTurns; left > 0; left -= 1) await turn();
              alive.delete(index);
              if (stopFails) throw new Error('stop');
            },
          };
        });
        const all = supervise('all', services);
        const starting = all.start().catch(() => {});
        for (let left = turnsBeforeStop; left > 0; left -= 1) await turn();
        await all.stop(patient).catch(() => {});
        await starting;
        expect([...alive]).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
