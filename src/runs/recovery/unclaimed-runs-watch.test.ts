import { expect, test } from 'vitest';
import { createFakeClock } from '../../../tests/support/fake-clock.ts';
import { createUnclaimedRunsWatch } from './unclaimed-runs-watch.ts';

/** A watch over these counts, one a look, and what it says. */
async function watch(...counts: (number | Error)[]) {
  const clock = createFakeClock();
  const said: string[] = [];
  const say = (...line: unknown[]) => void said.push(`${line.at(-1)}`.split(/[,:]/)[0] as string);
  const countUnattended = async () => {
    const count = counts.shift() ?? 0;
    if (typeof count !== 'number') throw count;
    return count;
  };
  const log = { warn: say, info: say } as never;
  const service = createUnclaimedRunsWatch({ store: { runs: { countUnattended } }, clock, log });
  await service.start();
  await clock.advance(5_000 * counts.length);
  await service.stop(AbortSignal.timeout(1_000));
  return said;
}

const warning = 'runs in the background wait';

test('runs that nobody executes are told once, and that somebody does again too', async () => {
  expect(await watch(3, 3, 4, 4, 0, 0)).toEqual([warning, 'a process executes runs in the background again']);
});

test('a process that is missed for a moment, while another takes its place, is not worth a word', async () => {
  expect(await watch(3, 0, 1, 0)).toEqual([]);
});

test('they are told anew when it happens again', async () => {
  expect((await watch(1, 1, 0, 1, 1)).filter((said) => said === warning)).toHaveLength(2);
});

test('a store that is away does not end the watch', async () => {
  expect(await watch(new Error('gone'), 1, 1)).toEqual(['runs that nobody executes were not looked for', warning]);
});
