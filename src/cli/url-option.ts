import { InvalidArgumentError } from 'commander';

/** An address of a service on the command line. @throws {InvalidArgumentError} for anything else */
export function toServiceUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new InvalidArgumentError('Expected an address such as http://localhost:8000.');
}
