import { describe, expect, test } from 'vitest';
import { StoreSetupError } from './setup-error.ts';
import { decideStamp, hasBudget, type StoreOpening, type StorePlace } from './store-environment-policy.ts';

const environments = ['development', 'test', 'staging', 'production'] as const;
const postgres: StorePlace = { name: 'database "agents" on db:5432 as "app"', setting: 'DATABASE_URL', shared: true };
const embedded: StorePlace = { name: 'the embedded store in ./data', setting: 'DATA_DIR', shared: false };

const serving = (appEnv: string, storeEnv: string | null = null): StoreOpening => ({ appEnv, storeEnv, stamps: true });
const command = (appEnv: string | null, storeEnv: string | null = null): StoreOpening => ({
  appEnv,
  storeEnv,
  stamps: false,
});
const stamped = (stamp: string) => ({ stamp, holds: 'runs' });
const empty = { stamp: null, holds: null };
const withRuns = { stamp: null, holds: 'runs' };

/** What becomes of a store: its new stamp, or the refusal. */
function outcome(...parameters: Parameters<typeof decideStamp>): string | null {
  try {
    return decideStamp(...parameters);
  } catch (error) {
    expect(error).toBeInstanceOf(StoreSetupError);
    return `refused: ${(error as Error).message}`;
  }
}

describe('a store of an environment', () => {
  const local = (environment: string) => environment === 'development' || environment === 'test';
  const pairs = environments.flatMap((appEnv) => environments.map((stamp) => ({ appEnv, stamp })));

  test.each(pairs)('$appEnv on a store of $stamp', ({ appEnv, stamp }) => {
    const may = appEnv === stamp || (local(appEnv) && local(stamp));
    for (const opening of [serving(appEnv), command(appEnv)]) {
      expect(outcome(opening, stamped(stamp), postgres)).toBe(
        may
          ? null
          : `refused: This process is of ${appEnv} (APP_ENV), and the store, database "agents" on db:5432 as "app", is of ` +
              `${stamp}: name another store by DATABASE_URL, or set STORE_ENV=${stamp} if it is meant.`,
      );
    }
    expect(outcome(serving(appEnv, stamp), stamped(stamp), postgres)).toBeNull();
  });

  test('refuses a process whose STORE_ENV names another one', () => {
    expect(outcome(serving('production', 'staging'), stamped('production'), embedded)).toBe(
      'refused: This process is of production (APP_ENV), meant for a store of staging (STORE_ENV), and the store, the ' +
        'embedded store in ./data, is of production: name another store by DATA_DIR, or set STORE_ENV=production if it is meant.',
    );
    expect(outcome(command(null, 'staging'), stamped('production'), embedded)).toMatch(
      /^refused: This command is meant for a store of staging \(STORE_ENV\), and the store, /,
    );
  });

  test('takes a command that was given no environment', () => {
    for (const stamp of environments) expect(outcome(command(null), stamped(stamp), postgres)).toBeNull();
  });
});

describe('a store without an environment', () => {
  test.each(environments)('that holds no runs becomes that of the first process that serves: %s', (appEnv) => {
    for (const place of [postgres, embedded]) {
      const isFolderOfDevelopment = appEnv === 'development' && place === embedded;
      expect(outcome(serving(appEnv), empty, place)).toBe(isFolderOfDevelopment ? null : appEnv);
      expect(outcome(command(appEnv), empty, place)).toBeNull();
    }
  });

  test('that is a folder of development is free for a first local start of production', () => {
    expect(outcome(serving('development', 'development'), empty, embedded)).toBe('development');
    expect(outcome(serving('production'), withRuns, embedded)).toBe('production');
  });

  test.each(['staging', 'production'])('that holds runs becomes that of %s', (appEnv) => {
    for (const place of [postgres, embedded]) expect(outcome(serving(appEnv), withRuns, place)).toBe(appEnv);
  });

  test('that is a Postgres with runs refuses development, unless STORE_ENV says whose it is', () => {
    for (const opening of [serving('development'), command('development')]) {
      expect(outcome(opening, withRuns, postgres)).toBe(
        'refused: This process is of development (APP_ENV), and the store, database "agents" on db:5432 as "app", holds runs ' +
          'and does not say of which environment: name another store by DATABASE_URL, or set STORE_ENV=development if the ' +
          'store is of development.',
      );
    }
    for (const storeEnv of environments) {
      expect(outcome(serving('development', storeEnv), withRuns, postgres)).toBe(storeEnv);
    }
  });

  test.each(['sessions', 'API keys', 'budgets'])('that is a Postgres with %s refuses development too', (holds) => {
    expect(outcome(serving('development'), { stamp: null, holds }, postgres)).toContain(
      `, holds ${holds} and does not say of which environment: `,
    );
    expect(outcome(serving('production'), { stamp: null, holds }, postgres)).toBe('production');
  });

  test('holds budgets where a tenant has one, by the columns of its version', () => {
    expect(hasBudget(['id', 'name', 'budget_usd_day', 'budget_tokens_day'])).toBe(
      'budget_usd_day is not null or budget_tokens_day is not null',
    );
    expect(hasBudget(['id', 'name'])).toBeNull();
  });

  test('that holds runs is otherwise used by development and test, and stays free for its owner', () => {
    expect(outcome(serving('development'), withRuns, embedded)).toBeNull();
    for (const place of [postgres, embedded]) expect(outcome(serving('test'), withRuns, place)).toBeNull();
  });
});
