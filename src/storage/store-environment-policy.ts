import { isLocal, mayUseStore } from './port/index.ts';
import { StoreSetupError } from './setup-error.ts';

/** Which environment opens a store, and what for. */
export type StoreOpening = {
  /** `APP_ENV`; null for a command that was given none, which is then of the environment of any store. */
  appEnv: string | null;
  /** `STORE_ENV`: the environment whose store is meant, if it is another one. */
  storeEnv: string | null;
  /** Whether the process stamps a store that has no stamp: one that serves does, a command does not. */
  stamps: boolean;
};

/** What is known of a store before it is used. */
export type StoreOwnership = {
  /** The environment that the store is stamped with; null for none. */
  stamp: string | null;
  /** What somebody has put into the store, for people, such as `runs`; null for nothing. */
  holds: string | null;
};

/** The tables that are empty until somebody uses a store, in the order of how much they say, with words for people. */
export const tablesInUse: readonly [table: string, holds: string][] = [
  ['runs', 'runs'],
  ['sessions', 'sessions'],
  ['api_keys', 'API keys'],
  ['budget_accounts', 'budgets'],
];

/** A condition in SQL for a tenant with a budget, by the columns that the table has; null where it has none for budgets. */
export function hasBudget(columns: readonly string[]): string | null {
  const ofBudgets = columns.filter((name) => name.startsWith('budget'));
  return ofBudgets.length === 0 ? null : ofBudgets.map((name) => `${name} is not null`).join(' or ');
}

/** A store for people: what it is and where (never a password), the setting that names it, and whether hosts share it. */
export type StorePlace = { name: string; setting: 'DATABASE_URL' | 'DATA_DIR'; shared: boolean };

const refusal = ({ appEnv, storeEnv }: StoreOpening, place: StorePlace, found: string, remedy: string) => {
  const process = appEnv === null ? 'This command is' : `This process is of ${appEnv} (APP_ENV)`;
  const meant = storeEnv === null ? '' : `${appEnv === null ? '' : ','} meant for a store of ${storeEnv} (STORE_ENV)`;
  return new StoreSetupError(
    `${process}${meant}, and the store, ${place.name}, ${found}: name another store by ${place.setting}, or set ${remedy}.`,
  );
};

/**
 * Decides whether a process may use a store, and returns the stamp that it gives to it; null for none.
 *
 * A store that has no stamp becomes that of the process, but a folder does not become one of development. One that holds
 * something may be anyone's, though: development is refused where it is a Postgres; otherwise development and test use
 * it, and leave it without a stamp.
 *
 * @throws {StoreSetupError} where the store is of another environment
 */
export function decideStamp(opening: StoreOpening, { stamp, holds }: StoreOwnership, place: StorePlace): string | null {
  const { appEnv, storeEnv, stamps } = opening;
  const environment = storeEnv ?? appEnv;
  if (environment === null) return null;
  if (stamp !== null) {
    if (mayUseStore(environment, stamp)) return null;
    throw refusal(opening, place, `is of ${stamp}`, `STORE_ENV=${stamp} if it is meant`);
  }
  if (storeEnv === null && environment === 'development' && holds !== null && place.shared) {
    const remedy = `STORE_ENV=${environment} if the store is of ${environment}`;
    throw refusal(opening, place, `holds ${holds} and does not say of which environment`, remedy);
  }
  const mayBeOfOthers = storeEnv === null && isLocal(environment) && holds !== null;
  // A folder of development is often that of the first local start of production, on the same machine.
  const isFolderOfDevelopment = storeEnv === null && environment === 'development' && !place.shared;
  return stamps && !mayBeOfOthers && !isFolderOfDevelopment ? environment : null;
}

/** Logs whose store it is where that was not settled before. `stamped`: the stamp that this process gave to it. */
export function logStamp(
  log: { info(fields: object, message: string): void },
  place: StorePlace,
  stamped: string | null,
  environment: string | null,
): void {
  if (stamped !== null) {
    log.info({ store: place.name, environment }, 'the store had no environment, and has that of this process now');
  } else if (environment === null) {
    log.info({ store: place.name }, 'the store has no environment, and is used as it is');
  }
}
