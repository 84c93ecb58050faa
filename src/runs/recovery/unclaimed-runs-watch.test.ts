import { expect, test } from 'vitest';
import { createFakeClock } from '../../../tests/support/fake-clock.ts';
import { createUnclaimedRunsWatch } from './unclaimed-runs-watch.ts';

/** The log messages of a watch whose polls find these counts, one after the other. */
async function watch(...counts: (number | Error)[]) {
  const clock = createFakeClock();
  const messages: string[] = [];
  const record = (...line: unknown[]) => void messages.push(`${line.at(-1)}`.split(/[,:]/)[0] as string);
  const countUnclaimed = async () => {
    const count = counts.shift() ?? 0;
    if (typeof count !== 'number') throw count;
    return count;
  };
  const log = { warn: record, info: record } as never;
  const service = createUnclaimedRunsWatch({ store: { runs: { countUnclaimed } }, clock, log });
  await service.start();
  await clock.advance(5_000 * counts.length);
  await service.stop(AbortSignal.timeout(1_000));
  return messages;
}

const warning = 'runs in the background wait';

test('unclaimed runs are logged once, and so is their end', async () => {
  expect(await watch(3, 3, 4, 4, 0, 0)).toEqual([warning, 'a process executes runs in the background again']);
});

test('unclaimed runs of a single poll, while a process is replaced, are not logged', async () => {
  expect(await watch(3, 0, 1, 0)).toEqual([]);
});

test('unclaimed runs are logged again when they occur again', async () => {
  expect((await watch(1, 1, 0, 1, 1)).filter((message) => message === warning)).toHaveLength(2);
});

test('a store that fails does not end the watch', async () => {
  expect(await watch(new Error('connection lost'), 1, 1)).toEqual([
    'runs that nobody executes were not looked for',
    warning,
  ]);
});
