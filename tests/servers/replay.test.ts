import { describe, expect, test } from 'vitest';
import { type Exchange, readCaptures } from './capture.ts';
import { observations, shownBy } from './observations.ts';
import { type Cut, replay } from './replay.ts';

const captures = readCaptures();

/** Ways to cut the bytes, each with the longest answer that is cut so, in characters. */
const cuts: [Cut, number][] = [
  ['as captured', Number.POSITIVE_INFINITY],
  [1, 2_000],
  [7, 8_000],
  [100, Number.POSITIVE_INFINITY],
  [1_000_000, Number.POSITIVE_INFINITY],
];

function cutsOf({ chunks }: Exchange): Cut[] {
  const chars = chunks.join('').length;
  return cuts.filter(([, charsMax]) => chars <= charsMax).map(([cut]) => cut);
}

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

test('an answer that reached its token limit and says that it is whole is never an answer', () => {
  const isCut = ({ request, chunks }: Exchange) => {
    const used = /"output_tokens": ?(\d+)/.exec(chunks.join(''))?.[1];
    return Number(used) >= Number((request as { max_output_tokens?: number }).max_output_tokens);
  };
  const cut = captures.flatMap(({ capture }) => capture.exchanges.filter(isCut));
  expect(cut.length).toBeGreaterThan(0);
  expect(cut.filter(({ outcome }) => !('fault' in outcome && outcome.fault === 'output_limit'))).toEqual([]);
});

describe('the page about model servers says what a capture shows', () => {
  test.each(observations)('$server: $quirk', (observation) => {
    expect(shownBy(observation, captures).exchange.status).toBeGreaterThan(0);
  });
});
