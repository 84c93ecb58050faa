import { type DestinationStream, type Logger, pino } from 'pino';
import { pinoPretty } from './readable-log.ts';
import { createRedaction } from './redaction.ts';

export type { Logger };

/** Python's names of log levels, since the settings use them, and pino's. */
export const logLevels = {
  DEBUG: 'debug',
  INFO: 'info',
  WARNING: 'warn',
  WARN: 'warn',
  ERROR: 'error',
  CRITICAL: 'fatal',
} as const;

/** A level as the settings name it. */
export type LogLevel = keyof typeof logLevels;

/** What a logger is made from. */
export type LoggerOptions = {
  level: LogLevel;
  appName: string;
  /** Which of several workers this process is; absent where there are none. */
  worker?: number | undefined;
  /** Readable lines for people instead of JSON. */
  readable: boolean;
  /** What must not be in any line, whatever it comes in. Defaults to nothing beside what looks like a key. */
  secrets?: readonly (string | undefined)[];
  /** Where lines go; defaults to standard output. */
  destination?: DestinationStream;
};

// A second line of defence: nothing logs these on purpose. No wildcards: they cost more than the rest of a line.
const secretHeaders = ['authorization', 'cookie', '["x-api-key"]'];
const secretSettings = ['openai.apiKey', 'adminApiKey', 'store.databaseUrl', 'store.databaseDirectUrl'];
const redact = [
  ...['', 'req.headers', 'headers'].flatMap((place) => secretHeaders.map((name) => joinPath(place, name))),
  ...['', 'settings'].flatMap((place) => secretSettings.map((name) => joinPath(place, name))),
  ...['apiKey', 'password', 'databaseUrl'],
];

function joinPath(place: string, name: string): string {
  return place === '' || name.startsWith('[') ? `${place}${name}` : `${place}.${name}`;
}

/**
 * What of an error is told. An allow-list: errors of the SDK carry the whole conversation, those of clients a provider's
 * answer with its headers. Causes are in the message and the stack.
 */
function describeError(error: unknown): object {
  const { type, message, stack, code, status } = pino.stdSerializers.err(error as Error) as unknown as Described;
  const several = error instanceof AggregateError ? { errors: error.errors.map(describeError) } : {};
  return { type, message, stack, code, status, ...several };
}

type Described = { type?: string; message?: string; stack?: string; code?: unknown; status?: unknown };

/** The service's logger: one JSON object a line (or readable lines in development), never message text or secrets. */
export function createLogger({ level, appName, worker, readable, secrets = [], destination }: LoggerOptions): Logger {
  const who = worker === undefined ? {} : { worker };
  const options = {
    level: logLevels[level],
    base: readable ? who : { app: appName, pid: process.pid, ...who },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: redact, censor: '[redacted]' },
    serializers: { err: describeError },
    hooks: { streamWrite: createRedaction(secrets) },
  };
  // Written at once: a process that ends, or is killed, has said all that it said, in order. A run logs one line.
  return pino(options, destination ?? (readable ? pinoPretty() : pino.destination({ sync: true })));
}
