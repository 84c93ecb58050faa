import closeWithGrace from 'close-with-grace';
import { systemClock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import type { Settings } from '../platform/settings/settings.ts';
import { StartError } from '../platform/start-error.ts';
import type { PrimaryLink } from './workers/index.ts';

/** A start that is told to stop has this long to come to its end. */
const startMs = 5_000;
/** Runs that were told to stop have this long to be recorded as such. */
export const recordMs = 5_000;
/** Then the parts of the process have this long to close. */
export const closeMs = 5_000;
/** A deadline that ends something by force is so much later than what it waits for should have ended. */
const forceMs = 1_000;

/** Those that a terminal or a service manager sends to all processes of a group at once. */
const groupSignals = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const;

/** How long a process that serves may take to end; then it ends by force. */
export const endMs = ({ prestopDelayMs, shutdownGraceMs }: Settings): number =>
  startMs + prestopDelayMs + shutdownGraceMs + recordMs + closeMs + forceMs;

/** How long the primary waits for the end of its workers; then it kills them. */
export const workersEndMs = (settings: Settings): number => endMs(settings) + forceMs;

/** How long the primary may take to end, its workers included. */
export const primaryEndMs = (settings: Settings): number => workersEndMs(settings) + forceMs;

/** Gives what has started, once it has: a start under way is seen to its end, so that what it has opened is closed. */
export async function startedIn<Started>(starting: Promise<Started>): Promise<Started | undefined> {
  const started = starting.catch(() => undefined); // one that failed has closed what it had opened
  return (await Promise.race([started, systemClock.sleep(startMs)])) ?? undefined;
}

/** How the process ends. */
export type ExitOptions = {
  /** Ends all gracefully. False if runs were cut short. */
  stop(): Promise<boolean>;
  /** How long that may take, in ms. */
  delayMs: number;
  /** Called right before the process ends by force. */
  onForce?: () => void;
  /** For a worker: its primary, which decides about its end. */
  link?: PrimaryLink | null;
  log: Logger;
};

/**
 * Installs the one door through which the process ends: the first signal drains, the second ends at once; a stray error
 * is logged and drains too, with exit code 1. A worker ends when its primary says so or is gone, and only tells it of
 * signals.
 */
export function installExit({ stop, delayMs, onForce = () => {}, link = null, log }: ExitOptions) {
  let leaving = false;
  const door = closeWithGrace(
    {
      delay: delayMs,
      logger: log,
      skip: link === null ? [] : [...groupSignals],
      onSecondSignal(signal) {
        log.error(`second ${signal}, exiting`);
        onForce();
      },
      onTimeout(delay) {
        log.error(`killed by timeout (${delay}ms)`);
        onForce();
      },
    },
    async ({ signal, err }) => {
      leaving = true;
      if (err) log.fatal({ err }, 'a stray error ends the process');
      else log.info({ signal }, 'stopping');
      const drained = await stop();
      log.info({ drained }, 'stopped');
      if (!drained) throw new Error('Runs were cut short at the end of SHUTDOWN_GRACE.');
    },
  );
  if (link !== null) {
    for (const signal of groupSignals) process.on(signal, link.signalled);
    void link.drain.then((who) => {
      if (who === 'primary gone') log.error('the primary process is gone');
      if (!leaving) door.close();
    });
  }
  return { isLeaving: (): boolean => leaving };
}

/** Everything that is known of an error, except fields of its own, which may hold secrets. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? `${error.stack}` : `${error.stack}\nCaused by: ${describe(error.cause)}`;
}

/** Ends the process: with the message alone where that says it all. A worker's is for its primary to tell. */
export async function failStart(error: unknown, link: PrimaryLink | null): Promise<never> {
  const message = error instanceof StartError ? error.message : describe(error);
  if (link === null) process.stderr.write(`${message}\n`);
  else await link.failed(message);
  process.exit(1);
}
