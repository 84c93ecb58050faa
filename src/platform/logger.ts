import { type DestinationStream, type Logger, pino } from 'pino';
import { pinoPretty } from './readable-log.ts';
import { createRedaction } from './redaction.ts';

export type { Logger };

/** The names of log levels in the settings, which are those of Python, and their names in pino. */
export const logLevels = {
  DEBUG: 'debug',
  INFO: 'info',
  WARNING: 'warn',
  WARN: 'warn',
  ERROR: 'error',
  CRITICAL: 'fatal',
} as const;

/** A log level by its name in the settings. */
export type LogLevel = keyof typeof logLevels;

/** Options of a logger. */
export type LoggerOptions = {
  level: LogLevel;
  appName: string;
  /** The number of this process among several workers; absent in a single process. */
  worker?: number | undefined;
  /** Whether lines are formatted for people, instead of JSON. */
  readable: boolean;
  /** Secrets that are redacted in every line, in addition to texts with the format of a key. Defaults to none. */
  secrets?: readonly (string | undefined)[];
  /** The destination of the lines; defaults to standard output. */
  destination?: DestinationStream;
};

// A second line of defence: no code logs these on purpose. No wildcards: they cost more than the rest of a line.
const secretHeaders = ['authorization', 'cookie', '["x-api-key"]'];
const secretSettings = ['openai.apiKey', 'adminApiKey', 'store.databaseUrl', 'store.databaseDirectUrl'];
const redact = [
  ...['', 'req.headers', 'headers'].flatMap((parent) => secretHeaders.map((name) => joinPath(parent, name))),
  ...['', 'settings'].flatMap((parent) => secretSettings.map((name) => joinPath(parent, name))),
  ...['apiKey', 'password', 'databaseUrl'],
];

function joinPath(parent: string, name: string): string {
  return parent === '' || name.startsWith('[') ? `${parent}${name}` : `${parent}.${name}`;
}

/**
 * The logged fields of an error. They are an allow-list: errors of the SDK contain the whole conversation, and errors of
 * clients the answer of a provider with its headers. Causes are in the message and the stack.
 */
function describeError(error: unknown): object {
  const { type, message, stack, code, status } = pino.stdSerializers.err(error as Error) as unknown as Described;
  const several = error instanceof AggregateError ? { errors: error.errors.map(describeError) } : {};
  return { type, message, stack, code, status, ...several };
}

type Described = { type?: string; message?: string; stack?: string; code?: unknown; status?: unknown };

/** The service's logger: one JSON object a line (or readable lines in development), never message text or secrets. */
export function createLogger({ level, appName, worker, readable, secrets = [], destination }: LoggerOptions): Logger {
  const workerField = worker === undefined ? {} : { worker };
  const options = {
    level: logLevels[level],
    base: readable ? workerField : { app: appName, pid: process.pid, ...workerField },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: redact, censor: '[redacted]' },
    serializers: { err: describeError },
    hooks: { streamWrite: createRedaction(secrets) },
  };
  // Synchronous, so that a process that ends or is killed loses no line. The cost is small: a run logs one line.
  return pino(options, destination ?? (readable ? pinoPretty() : pino.destination({ sync: true })));
}
