import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Service, supervise } from './lifecycle.ts';

const noDeadline = new AbortController().signal;

/** A service that records its calls, and behaves as the test says. */
function createRecording(name: string, calls: string[], behavior: Partial<Service> = {}): Service {
  return {
    name,
    async start() {
      calls.push(`start ${name}`);
      await behavior.start?.();
    },
    async stop(deadline) {
      calls.push(`stop ${name}`);
      await behavior.stop?.(deadline);
    },
  };
}
const failing = (message: string) => () => Promise.reject(new Error(message));

describe('services under one supervisor', () => {
  test('start in the order given and stop in reverse', async () => {
    const calls: string[] = [];
    const all = supervise(
      'all',
      ['a', 'b', 'c'].map((name) => createRecording(name, calls)),
    );
    await all.start();
    await all.stop(noDeadline);
    expect(calls).toEqual(['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a']);
  });

  test('wait for one another', async () => {
    const calls: string[] = [];
    const started = Promise.withResolvers<void>();
    const all = supervise('all', [
      createRecording('a', calls, { start: () => started.promise }),
      createRecording('b', calls),
    ]);
    const starting = all.start();
    expect(calls).toEqual(['start a']);
    started.resolve();
    await starting;
    expect(calls).toEqual(['start a', 'start b']);
  });

  test('are stopped again, the half-started one too, when one fails to start, and the failure is thrown', async () => {
    const calls: string[] = [];
    const all = supervise('all', [
      createRecording('a', calls, { stop: failing('also this') }),
      createRecording('b', calls, { start: failing('no port') }),
      createRecording('c', calls),
    ]);
    await expect(all.start()).rejects.toThrow('no port');
    expect(calls).toEqual(['start a', 'start b', 'stop b', 'stop a']);
  });

  test('are all stopped although some fail to, and every failure is reported', async () => {
    const calls: string[] = [];
    const all = supervise('all', [
      createRecording('a', calls, { stop: failing('a hangs') }),
      createRecording('b', calls, {
        stop: () => {
          throw new Error('b throws at once');
        },
      }),
      createRecording('c', calls, { stop: failing('c hangs') }),
    ]);
    await all.start();
    const stopping = all.stop(noDeadline);
    await expect(stopping).rejects.toThrow('all did not stop cleanly');
    await expect(stopping).rejects.toMatchObject({
      errors: [{ message: 'c hangs' }, { message: 'b throws at once' }, { message: 'a hangs' }],
    });
    expect(calls.slice(3)).toEqual(['stop c', 'stop b', 'stop a']);
  });

  test('are started once and stopped once, however often both are called', async () => {
    const calls: string[] = [];
    const all = supervise('all', [createRecording('a', calls)]);
    await Promise.all([all.start(), all.start()]);
    await all.start();
    await all.stop(noDeadline);
    await all.stop(noDeadline);
    expect(calls).toEqual(['start a', 'stop a']);
  });

  test('can be started again after a stop, and after a start that failed', async () => {
    const calls: string[] = [];
    let fails = true;
    const start = async () => {
      if (fails) throw new Error('not yet');
    };
    const all = supervise('all', [createRecording('a', calls, { start })]);
    await expect(all.start()).rejects.toThrow('not yet');
    fails = false;
    await all.start();
    await all.stop(noDeadline);
    await all.start();
    await all.stop(noDeadline);
    expect(calls).toEqual(['start a', 'stop a', 'start a', 'stop a', 'start a', 'stop a']);
  });

  test('that are stopped during their start do not go on starting, and the start rejects', async () => {
    const calls: string[] = [];
    const begun = Promise.withResolvers<void>();
    const undone = Promise.withResolvers<void>();
    const start = () => {
      begun.resolve();
      return undone.promise;
    };
    const all = supervise('all', [
      createRecording('a', calls),
      createRecording('b', calls, { start, stop: async () => undone.resolve() }),
      createRecording('c', calls),
    ]);
    const starting = expect(all.start()).rejects.toThrow('all was stopped while it started');
    await begun.promise;
    await all.stop(noDeadline);
    await starting;
    expect(calls).toEqual(['start a', 'start b', 'stop b', 'stop a']);
  });

  test('wait in a second stop too, whose deadline reaches the service that the first one waits for', async () => {
    const calls: string[] = [];
    const stopCalled = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    const stop = async (deadline: AbortSignal) => {
      stopCalled.resolve();
      if (deadline.aborted) left.resolve();
      await left.promise;
    };
    const all = supervise('all', [createRecording('a', calls), createRecording('b', calls, { stop })]);
    await all.start();
    const first = all.stop(noDeadline);
    await stopCalled.promise;
    await all.stop(AbortSignal.abort());
    await first;
    expect(calls.slice(0, 4)).toEqual(['start a', 'start b', 'stop b', 'stop b']);
    expect(new Set(calls.slice(4))).toEqual(new Set(['stop a']));
  });

  test('leave nothing running, whichever starts and stops fail and whenever the stop is called', async () => {
    const behaviors = fc.array(
      fc.record({
        startFails: fc.boolean(),
        stopFails: fc.boolean(),
        startTicks: fc.nat({ max: 6 }),
        stopTicks: fc.nat({ max: 6 }),
      }),
      { maxLength: 5 },
    );
    await fc.assert(
      fc.asyncProperty(behaviors, fc.nat({ max: 12 }), async (each, ticksBeforeStop) => {
        const alive = new Set<number>();
        const microtask = () => Promise.resolve();
        const services = each.map(({ startFails, stopFails, startTicks, stopTicks }, index): Service => {
          let isWanted = false;
          return {
            name: String(index),
            async start() {
              isWanted = true;
              for (let left = startTicks; left > 0; left -= 1) await microtask();
              if (startFails) throw new Error('start');
              if (isWanted) alive.add(index);
            },
            async stop() {
              isWanted = false;
              for (let left = stopTicks; left > 0; left -= 1) await microtask();
              alive.delete(index);
              if (stopFails) throw new Error('stop');
            },
          };
        });
        const all = supervise('all', services);
        const starting = all.start().catch(() => {});
        for (let left = ticksBeforeStop; left > 0; left -= 1) await microtask();
        await all.stop(noDeadline).catch(() => {});
        await starting;
        expect([...alive]).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
