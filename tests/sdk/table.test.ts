import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { caseAreas } from './cases/index.ts';

const cases = caseAreas.flatMap((area) => area.cases);

test('every file of cases is a part of the table, and has a test', () => {
  const files = readdirSync(join(import.meta.dirname, 'cases')).map((name) => name.replace('.ts', ''));
  const helpers = ['index', 'pieces'];
  expect(caseAreas.map(({ file }) => file).sort()).toEqual(files.filter((name) => !helpers.includes(name)).sort());
  for (const { file } of caseAreas) expect(existsSync(join(import.meta.dirname, `${file}.test.ts`)), file).toBe(true);
});

test('every feature stands in the table once', () => {
  const names = cases.map(({ feature }) => feature);
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
});

test('every feature that needs a change, or is refused, says what to do', () => {
  expect(cases.filter(({ status, note }) => status !== 'works' && note === undefined)).toEqual([]);
});
