import { expect, test } from 'vitest';
import { createHandClock } from '../../tests/support/hand-clock.ts';
import { createTurns } from './turns.ts';

const never = new AbortController().signal;

/** Notes when a promise resolves. */
function note(promise: Promise<void>) {
  const noted = { resolved: false };
  promise.then(
    () => {
      noted.resolved = true;
    },
    () => {},
  );
  return noted;
}

test('those in line for a session are told at once when this process releases it', async () => {
  const clock = createHandClock();
  const turns = createTurns(clock);
  const waiting = [turns.next('a', 's-1', never), turns.next('a', 's-1', never)].map(note);
  await clock.advance(0);
  expect(waiting.map(({ resolved }) => resolved)).toEqual([false, false]);
  turns.released('a', 's-1');
  await clock.advance(0);
  expect(waiting.map(({ resolved }) => resolved)).toEqual([true, true]);
  expect(clock.sleeping()).toBe(0);
});

test('those in line for another session, or the same one of another tenant, are not told', async () => {
  const clock = createHandClock();
  const turns = createTurns(clock);
  const waiting = [turns.next('a', 's-2', never), turns.next('b', 's-1', never)].map(note);
  turns.released('a', 's-1');
  await clock.advance(0);
  expect(waiting.map(({ resolved }) => resolved)).toEqual([false, false]);
});

test('those in line look again by themselves, since another process may have released the session', async () => {
  const clock = createHandClock();
  const waiting = note(createTurns(clock).next('a', 's-1', never));
  await clock.advance(249);
  expect(waiting.resolved).toBe(false);
  await clock.advance(1);
  expect(waiting.resolved).toBe(true);
});

test('a release that comes before one has joined the line does not count for them', async () => {
  const clock = createHandClock();
  const turns = createTurns(clock);
  turns.released('a', 's-1');
  const waiting = note(turns.next('a', 's-1', never));
  await clock.advance(0);
  expect(waiting.resolved).toBe(false);
});

test('one who is told to stop leaves the line with the reason; the others stay', async () => {
  const clock = createHandClock();
  const turns = createTurns(clock);
  const leaving = new AbortController();
  const left = turns.next('a', 's-1', leaving.signal);
  const staying = note(turns.next('a', 's-1', never));
  leaving.abort(new Error('timed out'));
  await expect(left).rejects.toThrow('timed out');
  expect(staying.resolved).toBe(false);
  turns.released('a', 's-1');
  await clock.advance(0);
  expect(staying.resolved).toBe(true);
});

test('one who had been told to stop before does not join', async () => {
  const clock = createHandClock();
  await expect(createTurns(clock).next('a', 's-1', AbortSignal.abort(new Error('late')))).rejects.toThrow('late');
  expect(clock.sleeping()).toBe(0);
});
