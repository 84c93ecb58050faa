/** The largest edit distance that counts as a misspelling. */
const distanceMax = 2;

/**
 * The known name that is almost `name`, with at most two letters inserted, deleted or substituted, whatever their case;
 * undefined if there is none.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const [nearest] = known
    .map((intended) => ({ intended, distance: editDistance(name.toLowerCase(), intended.toLowerCase()) }))
    .filter(({ distance }) => distance <= distanceMax)
    .sort((a, b) => a.distance - b.distance);
  return nearest?.intended;
}

/** The number of insertions, deletions and substitutions of letters (Levenshtein distance). */
function editDistance(one: string, other: string): number {
  if (Math.abs(one.length - other.length) > distanceMax) return distanceMax + 1;
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...one].entries()) {
    const next = [i + 1];
    for (const [j, wanted] of [...other].entries()) {
      const changed = (row[j] ?? 0) + (letter === wanted ? 0 : 1);
      next.push(Math.min(changed, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
