import { expect, test } from 'vitest';
import { spread } from './figures.ts';
import type { Row } from './measure.ts';
import { brokenBars, textOf } from './report.ts';

const figure = spread([1]);

const row = (of: Partial<Row>): Row => ({
  case: 'plain',
  callers: 16,
  side: 'embedded',
  passes: 3,
  runsPerPass: 100,
  cpuMsPerRun: figure,
  cpuRatio: figure,
  databaseCpuMsPerRun: null,
  p50Ms: figure,
  p95Ms: figure,
  p99Ms: figure,
  firstTokenP50Ms: null,
  firstTokenP95Ms: null,
  firstTokenAddedMs: null,
  runsPerSecond: figure,
  residentMib: 100,
  ...of,
});

test.each([
  ['embedded', 0.75, []],
  ['embedded', 0.76, ['plain, 16 at once, embedded: 0.76 × bare; the bar is 0.75']],
  ['postgres', 1, []],
  ['postgres', 1.01, ['plain, 16 at once, postgres: 1.01 × bare; the bar is 1']],
] as const)('a plain run on %s that costs %f of a bare one breaks these bars: %j', (side, ratio, broken) => {
  expect(brokenBars([row({ side, cpuRatio: spread([0.1, ratio, 9]) })])).toEqual(broken);
});

test('only plain runs have a bar of CPU', () => {
  expect(brokenBars([row({ case: 'stream', cpuRatio: spread([9]) })])).toEqual([]);
});

test('a first token that comes later than that of the bare server breaks a bar', () => {
  expect(brokenBars([row({ case: 'stream', firstTokenAddedMs: -1 })])).toEqual([]);
  expect(brokenBars([row({ case: 'stream', side: 'bare', firstTokenAddedMs: 0 })])).toEqual([]);
  expect(brokenBars([row({ case: 'stream', firstTokenAddedMs: 0.14 })])).toEqual([
    'stream, 16 at once, embedded: the first token comes 0.1 ms after that of the bare server',
  ]);
});

test('a figure of several passes is their median, with the least and the greatest beside it', () => {
  expect(spread([3, 1, 2, 9, 4])).toEqual({ median: 3, min: 1, max: 9 });
});

test('the report shows a ratio with its spread, and what a run asks of the store', () => {
  const machine = { cores: 2, cpu: 'c', memoryGib: 1, system: 's', node: 'v', agents: '1', openai: '2' };
  const statements = [
    { side: 'embedded' as const, callers: 1, runs: 10, commits: 2, statements: { insert: 1, poll: 0 } },
  ];
  const text = textOf({ machine, rows: [row({ cpuRatio: spread([1.1, 1.2, 1.3]) })], statements });
  expect(text).toContain('1.20 (1.10–1.30)');
  expect(text).toMatch(/\| insert +\| 1\.00 +\|/);
  expect(text).toMatch(/\| commits +\| 2\.00 +\|/);
  expect(text).not.toContain('poll');
});
