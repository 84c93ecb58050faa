import { createLogger, type Logger } from '../platform/logger.ts';
import { parseSettings, type Settings } from '../platform/settings/settings.ts';
import { type Environment, readEnvironment } from '../process/environment.ts';
import { createStore, type StoreUse } from '../process/store.ts';
import type { Store } from '../storage/port/index.ts';

/** The parts that a command uses. */
export type StoreParts = { store: Store; settings: Settings; log: Logger };

/** Prints a line to standard output. */
export const printLine = (text: string): void => void process.stdout.write(`${text}\n`);
/** Prints a line for people to standard error, so that standard output stays usable by programs. */
export const printNotice = (text: string): void => void process.stderr.write(`${text}\n`);
/** Formats a value as indented JSON. */
export const toJson = (value: unknown): string => JSON.stringify(value, null, 2);

/** The use of a store by a command that changes it. One that is given no `APP_ENV` is meant for the store as it is. */
export const writesIn = ({ APP_ENV }: Environment): StoreUse => ({ type: 'writes', appEnv: APP_ENV?.trim() || null });

/**
 * Runs the work that `prepare` returns with the store that the settings name. `prepare` is called before the store is
 * opened. An error is printed as one line, and sets exit code 1. A store of another environment is only read.
 */
export async function withStore(
  use: 'reads' | 'writes',
  prepare: (settings: Settings) => (parts: StoreParts) => Promise<void>,
): Promise<void> {
  try {
    const environment = readEnvironment();
    // As with `migrate`: no provider is called.
    const settings = parseSettings({ OPENAI_API_KEY: 'not-needed-for-the-store', ...environment });
    const work = prepare(settings);
    const log = createLogger({ level: 'WARNING', appName: settings.appName, readable: process.stdout.isTTY });
    const store = createStore(settings, log, use === 'reads' ? { type: 'reads' } : writesIn(environment));
    await store.start();
    try {
      await work({ store, settings, log });
    } finally {
      await store.stop(AbortSignal.timeout(5_000));
    }
  } catch (error) {
    printNotice(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}

/** Formats rows of cells in columns. The first row has the headings. */
export function toTable(rows: readonly string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, n) => cell.padEnd(widths[n] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
