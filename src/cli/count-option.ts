import { InvalidArgumentError } from 'commander';

/** A whole number from 1 on the command line. @throws {InvalidArgumentError} for anything else */
export function toCount(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number from 1.');
}
