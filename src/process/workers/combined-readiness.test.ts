import { expect, test } from 'vitest';
import { combinedReadiness, type WorkerState } from './combined-readiness.ts';

const ready: WorkerState = { state: 'ready' };
const silent: WorkerState = { state: 'silent' };
const degraded: WorkerState = { state: 'degraded', reason: 'the model provider returned status 401' };
const starting: WorkerState = { state: 'not_ready', reason: 'starting' };
const storeGone: WorkerState = { state: 'not_ready', reason: 'the store cannot be reached' };
const noneAnswers = { state: 'not_ready', reason: 'no worker answers' };

test.each<[string, WorkerState[], object]>([
  ['one worker of several is enough to be ready', [starting, ready, silent], ready],
  ['one that is ready weighs more than one that is degraded', [degraded, ready], ready],
  ['a degraded worker takes requests', [storeGone, degraded], degraded],
  ['why none is ready is what a worker says', [silent, storeGone], storeGone],
  ['workers that are not heard of are not ready', [silent, silent], noneAnswers],
  ['nor is a host without any', [], noneAnswers],
])('%s', (_why, workers, expected) => {
  expect(combinedReadiness(workers)).toEqual(expected);
});
