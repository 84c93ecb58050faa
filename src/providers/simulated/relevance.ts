/**
 * Scores how well tools and handoffs match the words of a message. Each word that a message shares with a candidate has a
 * weight by its position (name, description, parameters) and by its rarity among the candidates: a word that all of them
 * share does not distinguish them (inverse document frequency).
 */
import { isNegated, isWeakStem, meaningfulStems, stem, wordsOf } from './words.ts';

/** A tool or a handoff that can be chosen. */
export type Candidate = {
  name: string;
  description: string;
  /** Further words that count: names and options of the parameters. */
  hints: readonly string[];
};

/** A candidate with its score. `sharedStems` are the stems of the words that the message and the candidate share. */
export type Match<C extends Candidate> = { candidate: C; score: number; sharedStems: ReadonlySet<string> };

/** The minimum score of a match: at least one meaningful word has to be shared. */
export const scoreMin = 0.6;

const weights = { name: 1.5, description: 1, hint: 0.4 };

/** The factor for the weight of a weak word ("where", "show"). */
const weakShare = 0.3;

/** Verbs that change something. A tool with such a name is chosen only if the message requests the change. */
const changeVerbs = new Set(
  `cancel delete remove change update edit modify set reset refund pay charge send email create add book buy purchase
  close revoke approve reject issue submit post publish assign move rename drop stop start restart deploy`
    .split(/\s+/)
    .map(stem),
);

type Profile = { name: Set<string>; description: Set<string>; hints: Set<string> };

const profileOf = (candidate: Candidate): Profile => ({
  name: meaningfulStems(candidate.name.replace(/^transfer_to_/, '')),
  description: meaningfulStems(candidate.description),
  hints: meaningfulStems(candidate.hints.join(' ')),
});

const has = (profile: Profile, word: string) =>
  profile.name.has(word) || profile.description.has(word) || profile.hints.has(word);

/**
 * The candidates that match the message, best first; the order is stable for equal scores. Empty if no meaningful word
 * is shared.
 */
export function rankCandidates<C extends Candidate>(message: string, candidates: readonly C[]): Match<C>[] {
  const messageStems = meaningfulStems(message);
  const profiles = candidates.map(profileOf);
  const rarity = (word: string) => Math.log(1 + profiles.length / profiles.filter((p) => has(p, word)).length);
  const matches = candidates.map((candidate, index): Match<C> => {
    const profile = profiles[index] as Profile;
    const sharedStems = new Set([...messageStems].filter((word) => has(profile, word)));
    const score = [...sharedStems].reduce((sum, word) => sum + weightOf(profile, word, messageStems) * rarity(word), 0);
    const shared = profiles.filter((other) => [...sharedStems].every((word) => has(other, word))).length;
    return { candidate, score: isRequested(candidate, message, sharedStems, shared) ? score : 0, sharedStems };
  });
  return matches.filter((match) => match.score >= scoreMin).sort((a, b) => b.score - a.score);
}

/** A name counts by the share of it that is in the message: "order" is all of `get_order`, half of `cancel_order`. */
function weightOf(profile: Profile, word: string, messageStems: ReadonlySet<string>): number {
  const distinctive = [...profile.name].filter((part) => !isWeakStem(part));
  const covered = distinctive.filter((part) => messageStems.has(part)).length / Math.max(1, distinctive.length);
  const inName = profile.name.has(word) ? weights.name * covered : 0;
  const inDescription = profile.description.has(word) ? weights.description : 0;
  const weight = Math.max(inName, inDescription, profile.hints.has(word) ? weights.hint : 0);
  return isWeakStem(word) ? weight * weakShare : weight;
}

/** A change is requested by its verb, unless negated, or by two or more words that together match no other candidate. */
function isRequested(candidate: Candidate, message: string, sharedStems: ReadonlySet<string>, shared: number): boolean {
  const verb = stem(wordsOf(candidate.name)[0] ?? '');
  if (!changeVerbs.has(verb)) return true;
  const words = wordsOf(message).map(stem);
  const at = words.indexOf(verb);
  if (at >= 0) return !isNegated(words, at);
  return [...sharedStems].filter((word) => !isWeakStem(word)).length >= 2 && shared === 1;
}
