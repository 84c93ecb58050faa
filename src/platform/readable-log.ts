import { PinoPretty } from 'pino-pretty';

/** Readable log lines on standard output, in this thread, so that the last lines of a process are not lost. */
export const pinoPretty = () =>
  PinoPretty({ sync: true, colorize: process.stdout.isTTY, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l' });
