import { expect, test } from 'vitest';
import { parseSettings, type SettingMistake, SettingsError } from './settings.ts';

const APP_ENV = 'test';
const DATABASE_URL = 'postgres://127.0.0.1/app';

function mistakesIn(environment: Record<string, string>): readonly SettingMistake[] {
  try {
    parseSettings({ APP_ENV, ...environment });
    return [];
  } catch (error) {
    if (error instanceof SettingsError) return error.mistakes;
    throw error;
  }
}

test('WEB_CONCURRENCY is a number of processes, or auto', () => {
  const workers = (WEB_CONCURRENCY: string) => parseSettings({ APP_ENV, WEB_CONCURRENCY, DATABASE_URL }).workers;
  expect([workers('1'), workers('4'), workers('auto'), workers('AUTO'), workers('')]).toEqual([1, 4, null, null, null]);
  for (const wrong of ['0', '129', '2.5', '-1', 'many']) {
    const [mistake] = mistakesIn({ WEB_CONCURRENCY: wrong, DATABASE_URL });
    expect(mistake).toMatchObject({ name: 'WEB_CONCURRENCY', allowed: 'a whole number from 1 to 128, or auto' });
  }
});

test.each([
  ['WEB_CONCURRENCY', '2', '1'],
  ['PROCESS_ROLE', 'api', 'all'],
  ['PROCESS_ROLE', 'worker', 'all'],
])('%s=%s is refused on the embedded store, with the reason and the fix', (name, found, only) => {
  const allowed = `${only} on the embedded store, which one process has to itself; for more set DATABASE_URL to a Postgres`;
  expect(mistakesIn({ [name]: found })).toEqual([{ name, found: JSON.stringify(found), allowed }]);
  expect(mistakesIn({ [name]: found, DATABASE_URL })).toEqual([]);
  expect(mistakesIn({ [name]: only })).toEqual([]);
});
