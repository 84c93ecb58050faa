import { describe, expect, test } from 'vitest';
import { type Exchange, readCaptures } from './capture.ts';
import { observations, shownBy } from './observations.ts';
import { type Cut, replay } from './replay.ts';

const captures = readCaptures();

/** Ways to cut the bytes: as they came, into single bytes, within fields, and hardly at all. */
const cuts: Cut[] = ['as captured', 1, 7, 100, 1_000_000];

/** The longest answer that is replayed byte by byte, in characters. */
const bytewiseCharsMax = 20_000;

const cutsOf = ({ chunks }: Exchange): Cut[] =>
  cuts.filter((cut) => cut !== 1 || chunks.join('').length < bytewiseCharsMax);

describe('what a real server sent means the same however its bytes are cut', () => {
  test.each(captures)('$path', async ({ capture: { api, exchanges } }) => {
    expect(exchanges.length).toBeGreaterThan(0);
    for (const exchange of exchanges) {
      for (const cut of cutsOf(exchange)) expect(await replay(api, exchange, cut)).toEqual(exchange.outcome);
    }
  });
});

test('an answer of a real server that broke off is never an answer', () => {
  const brokenOff = captures.flatMap(({ capture }) => capture.exchanges.filter((exchange) => exchange.brokenOff));
  expect(brokenOff.length).toBeGreaterThan(0);
  expect(brokenOff.filter(({ outcome }) => !('fault' in outcome))).toEqual([]);
});

test('an answer that reached its token limit and says so is never an answer', () => {
  const isCut = ({ chunks }: Exchange) => /"finish_reason": ?"length"/.test(chunks.join(''));
  const cut = captures.flatMap(({ capture }) => capture.exchanges.filter(isCut));
  expect(cut.length).toBeGreaterThan(0);
  expect(cut.filter(({ outcome }) => !('fault' in outcome && outcome.fault === 'output_limit'))).toEqual([]);
});

describe('the page about model servers says what a capture shows', () => {
  test.each(observations)('$server: $quirk', (observation) => {
    expect(shownBy(observation, captures).exchange.status).toBeGreaterThan(0);
  });
});
