import closeWithGrace from 'close-with-grace';
import { systemClock } from '../platform/clock.ts';
import { errorLine } from '../platform/error-line.ts';
import type { Logger } from '../platform/logger.ts';
import type { Settings } from '../platform/settings/settings.ts';
import { StartError } from '../platform/start-error.ts';
import { duplicateSignalMs, hasForwardingParents, onParentsEnd } from './parent-watch.ts';
import type { PrimaryLink } from './workers/index.ts';

/** How long a stop waits for a start that is under way, in ms. */
const startMs = 5_000;
/** How long a stop then waits until interrupted runs are recorded, in ms. */
export const recordMs = 5_000;
/** How long the parts of the process then have to close, in ms. */
export const closeMs = 5_000;
/** The time by which a deadline for an end by force exceeds the deadlines within it, in ms. */
const forceMs = 1_000;

/** The signals that a terminal or a service manager sends to all processes of a group at once. */
const groupSignals = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const;

/** How long a serving process may take to end, in ms; then it ends by force. */
export const endMs = ({ prestopDelayMs, shutdownGraceMs }: Settings): number =>
  startMs + prestopDelayMs + shutdownGraceMs + recordMs + closeMs + forceMs;

/** How long the primary waits for the end of its workers, in ms; then it kills them. */
export const workersEndMs = (settings: Settings): number => endMs(settings) + forceMs;

/** How long the primary may take to end, in ms, including its workers. */
export const primaryEndMs = (settings: Settings): number => workersEndMs(settings) + forceMs;

/**
 * Waits for the end of a start that is under way, so that everything it has opened can be closed. Resolves with undefined
 * if the start fails or takes longer than 5 s.
 */
export async function startedIn<Started>(starting: Promise<Started>): Promise<Started | undefined> {
  const started = starting.catch(() => undefined); // a start that fails closes what it has opened
  return (await Promise.race([started, systemClock.sleep(startMs)])) ?? undefined;
}

/** Options of the end of the process. */
export type ExitOptions = {
  /** Ends all parts gracefully. Resolves with false if runs were interrupted. */
  stop(): Promise<boolean>;
  /** The time limit of the stop, in ms. */
  delayMs: number;
  /** Called right before the process ends by force. */
  onForce?: () => void;
  /** The link of a worker to its primary, which decides about the end of the worker. */
  link?: PrimaryLink | null;
  log: Logger;
};

/**
 * Installs the single exit of the process. The first signal drains it, the second one ends it at once. The end of the npm
 * that started it counts as a signal. An uncaught error is logged and drains the process too, with exit code 1. A worker
 * drains when its primary requests it or has died, and only reports signals to the primary.
 */
export function installExit({ stop, delayMs, onForce = () => {}, link = null, log }: ExitOptions) {
  let ending = false;
  let received: string | undefined;
  const exit = closeWithGrace(
    {
      delay: delayMs,
      logger: log,
      skip: [...groupSignals],
      onTimeout(delay) {
        log.error(`killed by timeout (${delay}ms)`);
        onForce();
      },
    },
    async ({ signal = received, err }) => {
      ending = true;
      if (err) log.fatal({ err }, 'a stray error ends the process');
      else log.info({ signal }, 'stopping');
      const drained = await stop();
      log.info({ drained }, 'stopped');
      if (!drained) throw new Error('Runs were cut short at the end of SHUTDOWN_GRACE.');
    },
  );
  const end: End = {
    isEnding: () => ending,
    drain(signal) {
      if (ending) return;
      ending = true;
      received = signal;
      exit.close();
    },
    force(signal) {
      log.error(`second ${signal}, exiting`);
      onForce();
      process.exit(1);
    },
  };
  if (link === null) handleSignals(end, log);
  else reportSignals(end, link, log);
  return { isEnding: end.isEnding };
}

/** The two ways in which this process ends. */
type End = { isEnding(): boolean; drain(signal?: string): void; force(signal: string): void };

/** Ends a process that nobody but its operator ends. */
function handleSignals({ isEnding, drain, force }: End, log: Logger): void {
  let firstMs = Number.NEGATIVE_INFINITY;
  for (const signal of groupSignals) {
    process.on(signal, () => {
      const isDuplicate = hasForwardingParents() && performance.now() - firstMs < duplicateSignalMs;
      if (isEnding()) return isDuplicate ? undefined : force(signal);
      firstMs = performance.now();
      drain(signal);
    });
  }
  onParentsEnd(() => {
    if (isEnding()) return;
    log.info('npm or the shell that started this process has ended');
    firstMs = performance.now();
    drain();
  });
}

/** Leaves the end of a worker to its primary. */
function reportSignals({ drain }: End, link: PrimaryLink, log: Logger): void {
  for (const signal of groupSignals) process.on(signal, link.signalled);
  void link.drain.then((reason) => {
    if (reason === 'primary gone') log.error('the primary process is gone');
    drain();
  });
}

/** Ends the process after a failed start, and reports its error in a line. A worker reports to its primary. */
export async function failStart(error: unknown, link: PrimaryLink | null): Promise<never> {
  const message = error instanceof StartError ? error.message : `The start failed: ${errorLine(error)}`;
  if (link === null) process.stderr.write(`${message}\n`);
  else await link.failed(message);
  process.exit(1);
}
