import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../platform/duration.ts';

/** Parses an option that is a duration, into ms. @throws {InvalidArgumentError} for anything else */
export function toDuration(text: string): number {
  const durationMs = parseDuration(text);
  if (durationMs !== null) return durationMs;
  throw new InvalidArgumentError('Expected a duration such as "30 days", "12h", or a number of seconds.');
}
