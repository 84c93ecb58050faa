import { InvalidArgumentError } from 'commander';

/** Parses an option that is a whole number from 1. @throws {InvalidArgumentError} for anything else */
export function toCount(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number from 1.');
}
