import { expect, test } from 'vitest';
import { countWorkers } from './worker-count.ts';

const postgres = { databaseUrl: 'postgres://127.0.0.1/app' };

test.each([
  { workers: null, store: {}, cpus: 8, count: 1, why: 'auto is one on the embedded store' },
  { workers: null, store: postgres, cpus: 1, count: 1, why: 'auto is one on one CPU' },
  { workers: null, store: postgres, cpus: 0, count: 1, why: 'auto is one on less than one CPU' },
  { workers: null, store: postgres, cpus: 3, count: 3, why: 'auto is one for each CPU' },
  { workers: null, store: postgres, cpus: 64, count: 4, why: 'auto is four at most' },
  { workers: 6, store: postgres, cpus: 2, count: 6, why: 'a number is taken as it is' },
])('$count processes: $why', ({ workers, store, cpus, count }) => {
  expect(countWorkers({ workers, store }, () => cpus)).toBe(count);
});

test('on this machine auto is from one to four', () => {
  expect([1, 2, 3, 4]).toContain(countWorkers({ workers: null, store: postgres }));
});
