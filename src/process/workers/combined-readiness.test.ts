import { expect, test } from 'vitest';
import { combinedReadiness, type WorkerState } from './combined-readiness.ts';

const ready: WorkerState = { state: 'ready' };
const silent: WorkerState = { state: 'silent' };
const degraded: WorkerState = { state: 'degraded', reason: 'the model provider returned status 401' };
const starting: WorkerState = { state: 'not_ready', reason: 'starting' };
const storeUnreachable: WorkerState = { state: 'not_ready', reason: 'the store cannot be reached' };
const noWorkerAnswers = { state: 'not_ready', reason: 'no worker answers' };

test.each<[string, WorkerState[], object]>([
  ['one worker of several is enough to be ready', [starting, ready, silent], ready],
  ['a ready worker takes precedence over a degraded one', [degraded, ready], ready],
  ['with no ready worker, a degraded one makes the host degraded', [storeUnreachable, degraded], degraded],
  [
    'with no ready or degraded worker, the reason is the one that a worker reports',
    [silent, storeUnreachable],
    storeUnreachable,
  ],
  ['silent workers are not ready', [silent, silent], noWorkerAnswers],
  ['a host without workers is not ready', [], noWorkerAnswers],
])('%s', (_name, workers, expected) => {
  expect(combinedReadiness(workers)).toEqual(expected);
});
