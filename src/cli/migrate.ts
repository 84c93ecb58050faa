import { createLogger } from '../platform/logger.ts';
import { parseSettings } from '../platform/settings/settings.ts';
import { readEnvironment } from '../process/environment.ts';
import { createStore } from '../process/store.ts';
import { writesIn } from './with-store.ts';

/** Brings the schema of the store up to date, as a start of the service does. */
export async function migrate(): Promise<void> {
  try {
    // A migration calls no provider, so the key is never used.
    const environment = readEnvironment();
    const settings = parseSettings({ OPENAI_API_KEY: 'not-needed-to-migrate', ...environment });
    const log = createLogger({ level: settings.logLevel, appName: settings.appName, readable: process.stdout.isTTY });
    const store = createStore(settings, log, writesIn(environment));
    await store.start();
    await store.stop(AbortSignal.timeout(5_000));
    log.info({ store: store.engine }, 'the schema is up to date');
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${message}\n`);
    process.exitCode = 1;
  }
}
