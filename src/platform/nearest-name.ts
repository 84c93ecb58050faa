import { editDistance } from './edit-distance.ts';

/** The largest edit distance that counts as a misspelling. */
const distanceMax = 2;

/**
 * The known name that is almost `name`, with at most two letters inserted, deleted, substituted or swapped, whatever their case;
 * undefined if there is none.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const [nearest] = known
    .map((intended) => ({ intended, distance: editDistance(name.toLowerCase(), intended.toLowerCase()) }))
    .filter(({ distance }) => distance <= distanceMax)
    .sort((a, b) => a.distance - b.distance);
  return nearest?.intended;
}
