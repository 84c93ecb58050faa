/**
 * Decides the next step of the simulated model: a handoff, a tool call, or an answer. A pure function of the conversation;
 * the words of the last message decide.
 */
import { fillArguments, type MissingArgument } from './arguments.ts';
import type { Conversation } from './conversation.ts';
import { outcomeOf } from './outcome.ts';
import { type Match, rankCandidates } from './relevance.ts';
import type { Schema } from './schema.ts';
import { sampleValue } from './schema-values.ts';
import { isWeakStem, meaningfulStems, wordsOf } from './words.ts';

/** A function tool or a handoff, as a model sees it. */
export type Callable = {
  kind: 'tool' | 'handoff';
  name: string;
  namespace?: string;
  description: string;
  /** JSON schema of the arguments. */
  parameters: Schema;
  /** Words of the parameters that count for the relevance. */
  hints: readonly string[];
};

/** The SDK's `modelSettings.toolChoice`: `auto`, `required`, `none`, or the name of a tool. */
export type ToolChoice = string;

/** The next step: a call of a tool or a handoff, or an answer: results, missing arguments, or the available tools. */
export type Decision =
  | { type: 'call'; callable: Callable; arguments: Record<string, unknown> }
  | { type: 'answer'; about: 'results' | 'callables' }
  | { type: 'answer'; about: 'missing'; callable: Callable; missing: MissingArgument[] };

/** The most tool calls for one message; then the model answers with the results. */
export const callsMax = 2;

/** The most handoffs for one message: from a first contact through a department to a specialist. */
export const handoffsMax = 3;

/** The minimum score of the tool that is called, as a share of the best score. */
const scoreShareMin = 0.6;

/** The most earlier messages that can give meaning to a reply ("1001", "yes, do that"). */
const earlierMessagesMax = 3;

const courtesy = /\b(?:hello|hi|hey|thanks?|bye|goodbye)\b/i;

/**
 * Decides the next step. Each tool and each handoff is called at most once for a message. After a handoff, the new agent
 * keeps the message, unless it has no tools or the message names another agent. So every message gets an answer.
 *
 * @param toolChoice defaults to `auto`
 */
export function decide(
  conversation: Conversation,
  callables: readonly Callable[],
  toolChoice: ToolChoice = 'auto',
): Decision {
  const { calls } = conversation;
  const last = calls.at(-1)?.output;
  const isComplete = calls.length >= callsMax || (last !== undefined && outcomeOf(last) !== 'done');
  if (isComplete) return { type: 'answer', about: 'results' };
  const available =
    toolChoice === 'none' ? [] : callables.filter((callable) => isAvailable(callable, conversation, callables));
  return (
    forcedCall(conversation, available, toolChoice) ??
    bestDecision(conversation, callables, available) ?? {
      type: 'answer',
      about: calls.length > 0 ? 'results' : 'callables',
    }
  );
}

/** Agents that only route messages. A handoff back to one would create a cycle. */
const firstContact = /\b(?:triage|router|front desk|reception(?:ist)?|dispatcher|first contact|concierge)\b/i;

function isAvailable(callable: Callable, conversation: Conversation, callables: readonly Callable[]): boolean {
  const { calls, handoffs, message } = conversation;
  if (callable.kind === 'tool') return !calls.some((call) => call.name === callable.name);
  if (calls.length > 0 || handoffs.length >= handoffsMax || handoffs.includes(callable.name)) return false;
  if (handoffs.length === 0) return true;
  if (firstContact.test(`${wordsOf(callable.name).join(' ')} ${callable.description}`)) return false;
  return (
    !callables.some(({ kind }) => kind === 'tool') ||
    rankCandidates(message, [{ ...callable, description: '' }]).length > 0
  );
}

/** The call that the tool choice of the developer forces, until the first call is made; gaps get sample values. */
function forcedCall(
  conversation: Conversation,
  available: readonly Callable[],
  toolChoice: ToolChoice,
): Decision | undefined {
  if (toolChoice === 'auto' || toolChoice === 'none' || conversation.calls.length > 0) return undefined;
  const callable =
    toolChoice === 'required'
      ? (findMatches(conversation, available).matches[0]?.candidate ?? available[0])
      : available.find((one) => one.name === toolChoice);
  return (
    callable && {
      type: 'call',
      callable,
      arguments: withSampleValues(callable, fill(callable, conversation).arguments),
    }
  );
}

/** The best match whose arguments are complete, or the question for the missing arguments of the best one. */
function bestDecision(
  conversation: Conversation,
  callables: readonly Callable[],
  available: readonly Callable[],
): Decision | undefined {
  const { matches: all, isReply } = findMatches(conversation, callables);
  // After a handoff, the new agent tries its own tools before another handoff.
  const own = conversation.handoffs.length > 0 ? all.filter(({ candidate }) => candidate.kind === 'tool') : [];
  const matches = own.length > 0 ? own : all;
  const best = matches[0];
  if (!best) return searchCall(conversation, available);
  const relevant = matches.filter(
    (match) =>
      available.includes(match.candidate) &&
      match.score >= best.score * scoreShareMin &&
      matchesNewWord(match, matches, conversation),
  );
  const filled = relevant.map(({ candidate }) => ({ callable: candidate, ...fill(candidate, conversation, isReply) }));
  const newCalls = filled.filter(
    ({ callable, ...found }) => !isReply || !wasCalled(callable, found.arguments, conversation),
  );
  const complete = newCalls.find(({ missing }) => missing.length === 0);
  if (complete) return { type: 'call', callable: complete.callable, arguments: complete.arguments };
  const incomplete = conversation.calls.length === 0 ? newCalls[0] : undefined;
  return incomplete && { type: 'answer', about: 'missing', callable: incomplete.callable, missing: incomplete.missing };
}

/** "Ok" after an answer has the meaning of the previous message, but does not repeat its call. */
const wasCalled = (callable: Callable, values: Record<string, unknown>, { earlierCalls }: Conversation) =>
  earlierCalls.some((call) => call.name === callable.name && JSON.stringify(call.arguments) === JSON.stringify(values));

const searchName = /^(?:search|ask|query|find|retrieve|look_?up|answer)|_(?:search|query|lookup)$/i;

/** A question without a match goes to a tool that searches by free text, if there is one. */
function searchCall(conversation: Conversation, available: readonly Callable[]): Decision | undefined {
  const strong = [...meaningfulStems(conversation.message)].filter((word) => !isWeakStem(word));
  if (strong.length === 0 || courtesy.test(conversation.message) || conversation.calls.length > 0) return undefined;
  for (const callable of available.filter(({ kind, name }) => kind === 'tool' && searchName.test(name))) {
    const filled = fill(callable, conversation);
    const isByText = Object.values(filled.arguments).includes(conversation.message);
    if (isByText && filled.missing.length === 0) return { type: 'call', callable, arguments: filled.arguments };
  }
  return undefined;
}

/** After a call, another tool has to match a word that the called tools do not match. */
function matchesNewWord(match: Match<Callable>, matches: readonly Match<Callable>[], { calls }: Conversation): boolean {
  if (calls.length === 0) return true;
  const explained = matches.filter(({ candidate }) => calls.some((call) => call.name === candidate.name));
  return [...match.sharedStems].some(
    (word) => !isWeakStem(word) && !explained.some(({ sharedStems }) => sharedStems.has(word)),
  );
}

/** The tools that match the message, or else those that match the earlier message that it depends on. */
function findMatches(conversation: Conversation, callables: readonly Callable[]) {
  const { message, earlierMessages } = conversation;
  const tools = callables.filter(({ kind }) => kind === 'tool');
  const ordered = [...tools, ...callables.filter(({ kind }) => kind === 'handoff')]; // on equal scores, tools come first
  const own = rankCandidates(message, ordered);
  if (own.length > 0 || !dependsOnEarlier(conversation)) return { matches: own, isReply: false };
  const earlierMatches = earlierMessages
    .slice(0, earlierMessagesMax)
    .map((earlier) => rankCandidates(earlier, ordered));
  return { matches: earlierMatches.find((matches) => matches.length > 0) ?? [], isReply: true };
}

const reference =
  /\d|\b(?:it|its|that|this|they|them|those|these|same|again|and|also|yes|yeah|yep|ok|okay|sure|there|instead)\b/i;

/** Replies such as "1001", "Rome", "yes, do that", "and tomorrow?" have a meaning only after an earlier message. */
function dependsOnEarlier({ message, isServed }: Conversation): boolean {
  const hasMeaning = meaningfulStems(message).size > 0 || /\d/.test(message);
  if (courtesy.test(message) || (isServed && !hasMeaning)) return false;
  return reference.test(message) || (hasMeaning && wordsOf(message).length <= 2);
}

function fill(callable: Callable, { message, earlierMessages, earlierCalls }: Conversation, isReply = false) {
  const filled = fillArguments(callable.parameters, { message, earlierMessages, earlierCalls, isReply });
  // The arguments of a handoff are notes for the next agent; the user is not asked for them.
  return callable.kind === 'tool' ? filled : { arguments: withSampleValues(callable, filled.arguments), missing: [] };
}

/** Completes the arguments with sample values for missing required ones. */
function withSampleValues(callable: Callable, known: Record<string, unknown>): Record<string, unknown> {
  const values = sampleValue(callable.parameters) as Record<string, unknown>;
  const required = Object.entries(values).filter(([name]) => callable.parameters.required?.includes(name));
  return { ...Object.fromEntries(required), ...known };
}
