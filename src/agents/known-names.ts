import { nearestName } from '../platform/nearest-name.ts';
import { RegistrationError } from './registration-error.ts';

/**
 * Refuses the names in an object of the application that its owner does not have, and would ignore.
 *
 * @param owner how the message calls the object, such as `serve()`
 * @param kind what its names are, such as `option`
 * @throws {RegistrationError} that names the first of them, and the name that it is a misspelling of or all names
 */
export function assertKnownNames(owner: string, kind: string, given: object, known: readonly string[]): void {
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const intended = nearestName(name, known);
    const remedy =
      intended === undefined ? `Remove it; the ${kind}s are ${known.join(', ')}.` : `Did you mean "${intended}"?`;
    throw new RegistrationError(`${owner} has no ${kind} "${name}". ${remedy}`);
  }
}
