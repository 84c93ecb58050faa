/** What a value begins and ends with that stands in quotes: straight ones, or those that word processors make of them. */
const quoted = /^(?:".*"|'.*'|`.*`|[\u2018-\u201f].*[\u2018-\u201f])$/s;
/** What Kubernetes sets for the port of a Service, in a variable that may be called like a setting. */
const serviceLink = /^(?:tcp|udp|sctp):\/\//;

/**
 * What is wrong with the way in which a value is written, whatever setting it is for; null for nothing. `docker --env-file`
 * and Kubernetes pass quotes on that a shell and `.env` remove.
 */
export function findValueMistake(value: string | undefined): string | null {
  if (value === undefined) return null;
  if (quoted.test(value)) return 'without the quotes around it, which are taken for a part of the value';
  if (serviceLink.test(value)) {
    return 'Kubernetes sets the variable for a Service of that name: set enableServiceLinks: false for the pod, or the variable itself';
  }
  return null;
}
