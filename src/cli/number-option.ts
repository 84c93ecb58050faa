import { InvalidArgumentError } from 'commander';

/** A number on the command line. @throws {InvalidArgumentError} for what is none */
export function toNumber(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a number such as 60 or 2.5.');
}
