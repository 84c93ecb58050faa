/**
 * What the simulated model does next: hand over, call a tool, or answer. A pure function of what it sees; the words of
 * the last message decide.
 */
import { fillArguments, type Missing } from './arguments.ts';
import type { Conversation } from './conversation.ts';
import { outcomeOf } from './outcome.ts';
import { type Fit, rank } from './relevance.ts';
import type { Schema } from './schema.ts';
import { plausible } from './schema-values.ts';
import { isWeak, meaningOf, wordsOf } from './words.ts';

/** A function tool or a handoff as a model sees it. */
export type Offer = {
  kind: 'tool' | 'handoff';
  name: string;
  namespace?: string;
  description: string;
  /** JSON schema of the arguments. */
  parameters: Schema;
  /** Words of the parameters that speak for the offer. */
  hints: readonly string[];
};

/** The SDK's `modelSettings.toolChoice`: `auto`, `required`, `none`, or the name of a tool. */
export type ToolChoice = string;

/** The next step: call a tool or a handoff, or answer with results, with a question, or with what is on offer. */
export type Decision =
  | { type: 'call'; offer: Offer; arguments: Record<string, unknown> }
  | { type: 'answer'; about: 'results' | 'offers' }
  | { type: 'answer'; about: 'missing'; offer: Offer; missing: Missing[] };

/** Tool calls for one message; then the model answers with what it has. */
export const callsMax = 2;

/** Handoffs for one message: from a first contact over a department to a specialist. */
export const handoffsMax = 3;

/** Another offer than the best is taken only if it fits at least this well, compared with the best. */
const nextBestShare = 0.6;

/** Messages before the last one that may lend their words to it ("1001", "yes, do that"). */
const lendingMax = 3;

const courtesy = /\b(?:hello|hi|hey|thanks?|bye|goodbye)\b/i;

/**
 * Decides what comes next. A tool is called at most once for a message, and so is a handoff. Who was handed the
 * message keeps it, unless it cannot act itself or the message names another. So every message comes to an answer.
 *
 * @param toolChoice defaults to `auto`
 */
export function decide(
  conversation: Conversation,
  offers: readonly Offer[],
  toolChoice: ToolChoice = 'auto',
): Decision {
  const { calls } = conversation;
  const last = calls.at(-1)?.output;
  const isOver = calls.length >= callsMax || (last !== undefined && outcomeOf(last) !== 'done');
  if (isOver) return { type: 'answer', about: 'results' };
  const open = toolChoice === 'none' ? [] : offers.filter((offer) => isOpen(offer, conversation, offers));
  return (
    demanded(conversation, open, toolChoice) ??
    chosen(conversation, offers, open) ?? { type: 'answer', about: calls.length > 0 ? 'results' : 'offers' }
  );
}

/** A first contact sends people on; going back there after a handoff would begin a circle. */
const firstContact = /\b(?:triage|router|front desk|reception(?:ist)?|dispatcher|first contact|concierge)\b/i;

function isOpen(offer: Offer, conversation: Conversation, offers: readonly Offer[]): boolean {
  const { calls, handoffs, message } = conversation;
  if (offer.kind === 'tool') return !calls.some((call) => call.name === offer.name);
  if (calls.length > 0 || handoffs.length >= handoffsMax || handoffs.includes(offer.name)) return false;
  if (handoffs.length === 0) return true;
  if (firstContact.test(`${wordsOf(offer.name).join(' ')} ${offer.description}`)) return false;
  return !offers.some(({ kind }) => kind === 'tool') || rank(message, [{ ...offer, description: '' }]).length > 0;
}

/** What the developer's tool choice demands, until the first call is made; gaps are filled with made-up values. */
function demanded(conversation: Conversation, open: readonly Offer[], toolChoice: ToolChoice): Decision | undefined {
  if (toolChoice === 'auto' || toolChoice === 'none' || conversation.calls.length > 0) return undefined;
  const offer =
    toolChoice === 'required'
      ? (fitting(conversation, open).fits[0]?.candidate ?? open[0])
      : open.find((one) => one.name === toolChoice);
  return offer && { type: 'call', offer, arguments: madeUp(offer, fill(offer, conversation).arguments) };
}

/** The best fit whose arguments are known; or the question for what the best one lacks. */
function chosen(conversation: Conversation, offers: readonly Offer[], open: readonly Offer[]): Decision | undefined {
  const { fits: all, isReply } = fitting(conversation, offers);
  // Who was handed the message tries its own tools before it hands the message on.
  const own = conversation.handoffs.length > 0 ? all.filter(({ candidate }) => candidate.kind === 'tool') : [];
  const fits = own.length > 0 ? own : all;
  const best = fits[0];
  if (!best) return searched(conversation, open);
  const worthwhile = fits.filter(
    (fit) => open.includes(fit.candidate) && fit.score >= best.score * nextBestShare && isNews(fit, fits, conversation),
  );
  const filled = worthwhile.map(({ candidate }) => ({ offer: candidate, ...fill(candidate, conversation, isReply) }));
  const fresh = filled.filter(({ offer, ...found }) => !isReply || !wasCalled(offer, found.arguments, conversation));
  const ready = fresh.find(({ missing }) => missing.length === 0);
  if (ready) return { type: 'call', offer: ready.offer, arguments: ready.arguments };
  const asking = conversation.calls.length === 0 ? fresh[0] : undefined;
  return asking && { type: 'answer', about: 'missing', offer: asking.offer, missing: asking.missing };
}

/** "Ok" after an answer borrows the words of the message before it, but does not do the same once more. */
const wasCalled = (offer: Offer, values: Record<string, unknown>, { earlierCalls }: Conversation) =>
  earlierCalls.some((call) => call.name === offer.name && JSON.stringify(call.arguments) === JSON.stringify(values));

const searching = /^(?:search|ask|query|find|retrieve|look_?up|answer)|_(?:search|query|lookup)$/i;

/** A question that fits nothing goes to a tool that searches by free text, where there is one. */
function searched(conversation: Conversation, open: readonly Offer[]): Decision | undefined {
  const strong = [...meaningOf(conversation.message)].filter((word) => !isWeak(word));
  if (strong.length === 0 || courtesy.test(conversation.message) || conversation.calls.length > 0) return undefined;
  for (const offer of open.filter(({ kind, name }) => kind === 'tool' && searching.test(name))) {
    const filled = fill(offer, conversation);
    const isByText = Object.values(filled.arguments).includes(conversation.message);
    if (isByText && filled.missing.length === 0) return { type: 'call', offer, arguments: filled.arguments };
  }
  return undefined;
}

/** After a call, another one has to meet a word that the tools called so far do not explain. */
function isNews(fit: Fit<Offer>, fits: readonly Fit<Offer>[], { calls }: Conversation): boolean {
  if (calls.length === 0) return true;
  const explained = fits.filter(({ candidate }) => calls.some((call) => call.name === candidate.name));
  return [...fit.matched].some((word) => !isWeak(word) && !explained.some(({ matched }) => matched.has(word)));
}

/** The offers that fit the message; where its own words fit none, those that fit the message it leans on. */
function fitting(conversation: Conversation, offers: readonly Offer[]) {
  const { message, earlierMessages } = conversation;
  const tools = offers.filter(({ kind }) => kind === 'tool');
  const ordered = [...tools, ...offers.filter(({ kind }) => kind === 'handoff')]; // equal fits stay here
  const own = rank(message, ordered);
  if (own.length > 0 || !leansOnEarlier(conversation)) return { fits: own, isReply: false };
  const borrowed = earlierMessages.slice(0, lendingMax).map((earlier) => rank(earlier, ordered));
  return { fits: borrowed.find((fits) => fits.length > 0) ?? [], isReply: true };
}

const leaning =
  /\d|\b(?:it|its|that|this|they|them|those|these|same|again|and|also|yes|yeah|yep|ok|okay|sure|there|instead)\b/i;

/** Replies such as "1001", "Rome", "yes, do that", "and tomorrow?" mean something only after what was said before. */
function leansOnEarlier({ message, isServed }: Conversation): boolean {
  const saysSomething = meaningOf(message).size > 0 || /\d/.test(message);
  if (courtesy.test(message) || (isServed && !saysSomething)) return false;
  return leaning.test(message) || (saysSomething && wordsOf(message).length <= 2);
}

function fill(offer: Offer, { message, earlierMessages, earlierCalls }: Conversation, isReply = false) {
  const filled = fillArguments(offer.parameters, { message, earlierMessages, earlierCalls, isReply });
  // A handoff's arguments are notes for the next agent; nobody is asked for them.
  return offer.kind === 'tool' ? filled : { arguments: madeUp(offer, filled.arguments), missing: [] };
}

/** The arguments with plausible values where required ones are lacking. */
function madeUp(offer: Offer, known: Record<string, unknown>): Record<string, unknown> {
  const values = plausible(offer.parameters) as Record<string, unknown>;
  const required = Object.entries(values).filter(([name]) => offer.parameters.required?.includes(name));
  return { ...Object.fromEntries(required), ...known };
}
