import { InvalidArgumentError } from 'commander';

/** Parses an option that is a number. @throws {InvalidArgumentError} for anything else */
export function toNumber(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a number such as 60 or 2.5.');
}
