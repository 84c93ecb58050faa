import { InvalidArgumentError } from 'commander';

/** Parses an option that is the URL of a service. @throws {InvalidArgumentError} for anything else */
export function toServiceUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new InvalidArgumentError('Expected an address such as http://localhost:8000.');
}
