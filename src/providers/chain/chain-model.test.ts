import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createChainBench, providerAt } from '../../../tests/support/chain-bench.ts';
import { type FakeProvider, startFakeProvider } from '../../../tests/support/fake-provider.ts';
import { createStubModel } from '../../../tests/support/stub-model.ts';
import { systemClock } from '../../platform/clock.ts';
import { ServiceError } from '../../platform/errors.ts';
import { answererOf } from '../model-call.ts';
import { retriesFloor } from './limits/retry-budget.ts';

let first: FakeProvider;
let second: FakeProvider;
beforeAll(async () => {
  [first, second] = await Promise.all([startFakeProvider(), startFakeProvider()]);
});
beforeEach(() => Promise.all([first.reset(), second.reset()]));
afterAll(() => Promise.all([first?.[Symbol.asyncDispose](), second?.[Symbol.asyncDispose]()]));

const both = () => [providerAt('first', first.baseUrl), providerAt('second', second.baseUrl)];
const codeOf = (error: unknown) => (error instanceof ServiceError ? error.code : error);
const countOf = async (provider: FakeProvider) => (await provider.stats()).requests;

test.each([true, false])(
  'a caller that disconnects aborts its request, and no other provider is asked (streamed: %s)',
  async (streamed) => {
    await first.script({ reply: { fault: { kind: 'hang' } } });
    const caller = new AbortController();
    const { ask } = createChainBench({ providers: both() });
    const asked = ask(streamed, { signal: caller.signal });
    await first.waitFor(({ stats }) => stats.requests === 1);
    caller.abort(new Error('disconnected'));
    await expect(asked).rejects.toThrow('disconnected');
    await first.waitFor(({ stats }) => stats.aborted === 1);
    expect(await countOf(second)).toBe(0);
  },
);

test('a caller that disconnects during a probe leaves the probe to the next request', async () => {
  await first.script({ times: 1, reply: { error: { status: 404 }, headers: { 'retry-after-ms': '1' } } });
  const { ask } = createChainBench({ providers: [providerAt('first', first.baseUrl)] });
  await expect(ask(false)).rejects.toMatchObject({ code: 'provider_error' });
  await first.script({ reply: { fault: { kind: 'hang' } }, times: 1 }, { reply: 'well again' });
  const caller = new AbortController();
  const probe = ask(false, { signal: caller.signal });
  await first.waitFor(({ stats }) => stats.requests === 2);
  expect(await ask(false).catch(codeOf)).toBe('provider_unavailable');
  caller.abort(new Error('disconnected'));
  await expect(probe).rejects.toThrow('disconnected');
  expect((await ask(false)).by?.provider).toBe('first');
});

test('while all providers pause, the error says when the first of them may be asked again', async () => {
  const limited = (seconds: string) => ({ reply: { error: { status: 429 }, headers: { 'retry-after': seconds } } });
  await first.script(limited('600'));
  await second.script(limited('300'));
  const { ask, chain } = createChainBench({ providers: both() });
  expect(chain.outage()).toBeNull();
  await expect(ask(false)).rejects.toMatchObject({ code: 'provider_unavailable' });
  const error: unknown = await ask(false).catch((thrown: unknown) => thrown);
  const { retryAfterMs = 0 } = (error as ServiceError).extras;
  expect(retryAfterMs > 250_000 && retryAfterMs <= 300_000).toBe(true);
  expect([await countOf(first), await countOf(second)]).toEqual([1, 1]);
  expect(chain.outage()).toBe('no model provider is available at the moment');
});

test('a pause that ends between any two reads of the clock is over', { timeout: 60_000 }, async () => {
  const limits = { callMs: 600_000, firstEventMs: 600_000, idleMs: 600_000 };
  for (let end = 1; end <= 60; end += 1) {
    await first.script(
      { times: 1, reply: { error: { status: 429 }, headers: { 'retry-after': '60' } } },
      { reply: 'ok' },
    );
    let reads = 0;
    let aheadMs = 0;
    const clock = {
      ...systemClock,
      monotonicMs() {
        reads += 1;
        if (reads === end) aheadMs += 61_000;
        return systemClock.monotonicMs() + aheadMs;
      },
      sleep: (ms: number, signal?: AbortSignal) => {
        if (ms > 50_000 && ms < 100_000)
          aheadMs += ms; // the pause
        else return new Promise<void>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
        return Promise.resolve();
      },
    };
    const { ask } = createChainBench({ providers: [providerAt('first', first.baseUrl)], limits, clock });
    expect((await ask(false).catch(codeOf)) as object, `at read ${end}`).toMatchObject({ by: { provider: 'first' } });
    await first.reset();
  }
});

test('a call of a background run fails rather than wait for a long pause', async () => {
  await first.script({ reply: { error: { status: 429 }, headers: { 'retry-after': '20' } } });
  const { ask } = createChainBench({ providers: [providerAt('first', first.baseUrl)] });
  await expect(ask(false, { interactive: false })).rejects.toMatchObject({ code: 'provider_unavailable' });
  expect(await countOf(first)).toBe(1);
});

test('in an outage requests are not multiplied: retries are limited by a budget', async () => {
  await first.script({ reply: { error: { status: 409 } } }); // a fault that opens no breaker
  const { ask } = createChainBench({ providers: [providerAt('first', first.baseUrl)] });
  const requests = 30;
  for (let request = 0; request < requests; request += 1) await ask(false).catch(() => {});
  expect(await countOf(first)).toBeLessThanOrEqual(requests + retriesFloor);
});

test('a provider whose breaker is open is not asked, and the next one answers at once', async () => {
  await first.script({ reply: { fault: { kind: 'reset' } } });
  await second.script({ when: {}, reply: 'from the second' });
  const { ask } = createChainBench({ providers: both() });
  for (let request = 0; request < 20; request += 1) await ask(request % 2 === 0);
  const asked = await countOf(first);
  expect(asked).toBeLessThan(20);
  const { by, reports } = await ask(true);
  expect(by?.provider).toBe('second');
  expect(reports[0]).toEqual({ failedOver: { from: 'first', to: 'second', reason: 'circuit_open' } });
});

test('headers that report an exhausted quota stop requests before the provider rejects them', async () => {
  const headers = {
    'x-ratelimit-limit-requests': '100',
    'x-ratelimit-remaining-requests': '0',
    'x-ratelimit-reset-requests': '10m',
  };
  await first.script({ reply: { text: 'the last one', headers } });
  await second.script({ when: {}, reply: 'from the second' });
  for (const streamed of [true, false]) {
    const { ask } = createChainBench({ providers: both() });
    expect((await ask(streamed)).by?.provider).toBe('first');
    expect((await ask(streamed)).by?.provider).toBe('second');
  }
});

test('no more calls with one key are under way than its concurrency', async () => {
  await first.script({ reply: { text: 'done', hold: 'door' } });
  const { ask } = createChainBench({ providers: [providerAt('first', first.baseUrl, { concurrency: 2 })] });
  const asked = [ask(false), ask(true), ask(false), ask(true)];
  await first.held('door', 2);
  expect(await countOf(first)).toBe(2);
  await first.release('door');
  await Promise.all(asked);
  expect(await countOf(first)).toBe(4);
});

test('a probe that waits for a permit is made when it has one', async () => {
  await first.script({ times: 1, reply: { error: { status: 404 }, headers: { 'retry-after-ms': '1' } } });
  const { ask } = createChainBench({ providers: [providerAt('first', first.baseUrl, { concurrency: 1 })] });
  await expect(ask(false)).rejects.toMatchObject({ code: 'provider_error' });
  await first.script({ when: { model: 'another' }, reply: { text: 'held', hold: 'permit' } }, { reply: 'well again' });
  const holder = ask(false, { model: 'another' });
  await first.held('permit');
  const probe = ask(false);
  await first.release('permit');
  await holder;
  expect((await probe).by?.provider).toBe('first');
});

test('a call that waits too long for a permit fails as provider_unavailable', async () => {
  await first.script({ reply: { text: 'done', hold: 'door' } });
  const limits = { callMs: 2_000, firstEventMs: 20_000, idleMs: 20_000 };
  const providers = [providerAt('first', first.baseUrl, { concurrency: 1 })];
  const { ask } = createChainBench({ providers, limits });
  const holder = ask(false).catch(codeOf);
  await first.held('door');
  expect(await ask(false).catch(codeOf)).toBe('provider_unavailable');
  await holder;
});

test('a model of the application’s own gives complete answers only, signed with its name', async () => {
  const { model } = createStubModel(() => 'mine');
  const { chain, request } = createChainBench({ providers: [] });
  const guarded = chain.guard(model, 'OwnModel');
  expect(answererOf(await guarded.getResponse(request('Hi')))).toEqual({ provider: 'application', model: 'OwnModel' });
  const cut = chain.guard({ ...model, async *getStreamedResponse() {} }, 'OwnModel');
  const read = async () => {
    for await (const _ of cut.getStreamedResponse(request('Hi')));
  };
  await expect(read()).rejects.toMatchObject({ code: 'provider_error' });
});

test('an error of the application’s own model is passed on unchanged', async () => {
  const { model } = createStubModel(() => {
    throw new RangeError('mine');
  });
  const { chain, request } = createChainBench({ providers: [] });
  await expect(chain.guard(model, 'OwnModel').getResponse(request('Hi'))).rejects.toThrow(RangeError);
});
