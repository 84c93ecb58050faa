import { createLogger, type Logger } from '../platform/logger.ts';
import { parseSettings, type Settings } from '../platform/settings/settings.ts';
import { readEnvironment } from '../process/environment.ts';
import { createStore } from '../process/store.ts';
import type { Store } from '../storage/port/index.ts';

/** What a command works with. */
export type StoreParts = { store: Store; settings: Settings; log: Logger };

/** A line on standard output. */
export const say = (text: string): void => void process.stdout.write(`${text}\n`);
/** A line for people, on standard error. */
export const tell = (text: string): void => void process.stderr.write(`${text}\n`);
/** JSON that people can read. */
export const toJson = (value: unknown): string => JSON.stringify(value, null, 2);

/**
 * Does with the store that the settings name what `prepare` returns, which is called before the store is opened.
 * Mistakes are told in a line, with exit code 1.
 */
export async function withStore(prepare: (settings: Settings) => (parts: StoreParts) => Promise<void>): Promise<void> {
  try {
    // As with `migrate`: no provider is asked anything.
    const settings = parseSettings({ OPENAI_API_KEY: 'not-needed-for-the-store', ...readEnvironment() });
    const work = prepare(settings);
    const log = createLogger({ level: 'WARNING', appName: settings.appName, readable: process.stdout.isTTY });
    const store = createStore(settings, log, { executes: false });
    await store.start();
    try {
      await work({ store, settings, log });
    } finally {
      await store.stop(AbortSignal.timeout(5_000));
    }
  } catch (error) {
    tell(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}

/** Rows of cells, the first of them headings, in columns. */
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
