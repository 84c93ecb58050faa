import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../platform/duration.ts';

/** A duration on the command line, in ms. @throws {InvalidArgumentError} for what is none */
export function toDuration(text: string): number {
  const durationMs = parseDuration(text);
  if (durationMs !== null) return durationMs;
  throw new InvalidArgumentError('Expected a duration such as "30 days", "12h", or a number of seconds.');
}
