/**
 * How well the words of a message fit the tools and handoffs at hand. Each word that a message shares with a candidate
 * counts by where it stands (name, description, parameters) and by how rare it is among the candidates: a word that all
 * of them share tells nothing apart.
 */
import { isDenied, isWeak, meaningOf, stem, wordsOf } from './words.ts';

/** Something that can be chosen: a tool or a handoff. */
export type Candidate = {
  name: string;
  description: string;
  /** Further words that speak for it: names and listed values of its parameters. */
  hints: readonly string[];
};

/** How a candidate fits. `matched` are the stems of the words that the message and the candidate share. */
export type Fit<C extends Candidate> = { candidate: C; score: number; matched: ReadonlySet<string> };

/** A fit below this is chance: at least one word with meaning has to be shared. */
export const fitMin = 0.6;

const weights = { name: 1.5, description: 1, hint: 0.4 };

/** Counts this much of a weak word ("where", "show"). */
const weakShare = 0.3;

/** Verbs that change something. A tool so named is chosen only when the message asks for the change. */
const changing = new Set(
  `cancel delete remove change update edit modify set reset refund pay charge send email create add book buy purchase
  close revoke approve reject issue submit post publish assign move rename drop stop start restart deploy`
    .split(/\s+/)
    .map(stem),
);

type Profile = { name: Set<string>; description: Set<string>; hints: Set<string> };

const profileOf = (candidate: Candidate): Profile => ({
  name: meaningOf(candidate.name.replace(/^transfer_to_/, '')),
  description: meaningOf(candidate.description),
  hints: meaningOf(candidate.hints.join(' ')),
});

const has = (profile: Profile, word: string) =>
  profile.name.has(word) || profile.description.has(word) || profile.hints.has(word);

/**
 * The candidates that fit the message, best first; equal ones stay in the order given. None when no word with meaning
 * is shared.
 */
export function rank<C extends Candidate>(message: string, candidates: readonly C[]): Fit<C>[] {
  const asked = meaningOf(message);
  const profiles = candidates.map(profileOf);
  const rarity = (word: string) => Math.log(1 + profiles.length / profiles.filter((p) => has(p, word)).length);
  const fits = candidates.map((candidate, index): Fit<C> => {
    const profile = profiles[index] as Profile;
    const matched = new Set([...asked].filter((word) => has(profile, word)));
    const score = [...matched].reduce((sum, word) => sum + weightOf(profile, word, asked) * rarity(word), 0);
    const shared = profiles.filter((other) => [...matched].every((word) => has(other, word))).length;
    return { candidate, score: isAskedFor(candidate, message, matched, shared) ? score : 0, matched };
  });
  return fits.filter((fit) => fit.score >= fitMin).sort((a, b) => b.score - a.score);
}

/** A name counts by the share of it that the message says: "order" says all of `get_order`, half of `cancel_order`. */
function weightOf(profile: Profile, word: string, asked: ReadonlySet<string>): number {
  const telling = [...profile.name].filter((part) => !isWeak(part));
  const covered = telling.filter((part) => asked.has(part)).length / Math.max(1, telling.length);
  const inName = profile.name.has(word) ? weights.name * covered : 0;
  const inDescription = profile.description.has(word) ? weights.description : 0;
  const weight = Math.max(inName, inDescription, profile.hints.has(word) ? weights.hint : 0);
  return isWeak(word) ? weight * weakShare : weight;
}

/** A change is asked for by its verb, unless denied, or by at least two words that together fit no other candidate. */
function isAskedFor(candidate: Candidate, message: string, matched: ReadonlySet<string>, shared: number): boolean {
  const verb = stem(wordsOf(candidate.name)[0] ?? '');
  if (!changing.has(verb)) return true;
  const said = wordsOf(message).map(stem);
  const at = said.indexOf(verb);
  if (at >= 0) return !isDenied(said, at);
  return [...matched].filter((word) => !isWeak(word)).length >= 2 && shared === 1;
}
