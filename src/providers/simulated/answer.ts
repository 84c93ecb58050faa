/** The words of the simulated model: what it found, what it lacks, what it can do. */
import type { Missing } from './arguments.ts';
import type { Call, Conversation } from './conversation.ts';
import type { Decision, Offer } from './decide.ts';
import { outcomeOf } from './outcome.ts';
import { readable } from './readable.ts';
import { humanName } from './words.ts';

/** Every answer in text begins so. */
export const simulatedMark = '[simulated] ';

/** The longest answer, in characters. At one word every 15 ms it streams within some ten seconds. */
const answerMax = 4_000;

/** Tools and handoffs that an answer names. */
const offersShown = 10;

type Answer = Extract<Decision, { type: 'answer' }>;

/** The text of an answer, with the mark in front. */
export function answerText(decision: Answer, conversation: Conversation, offers: readonly Offer[]): string {
  const text = simulatedMark + plainText(decision, conversation, offers);
  return text.length > answerMax ? `${text.slice(0, answerMax - 1)}…` : text;
}

function plainText(decision: Answer, conversation: Conversation, offers: readonly Offer[]): string {
  switch (decision.about) {
    case 'results':
      return conversation.calls.map(resultText).join('\n\n');
    case 'missing':
      return missingText(decision.offer, decision.missing);
    case 'offers':
      return offersText(conversation.message, offers);
  }
}

function resultText({ name, output = '' }: Call): string {
  const tool = `“${humanName(name)}”`;
  const lines = readable(output).map(unmarked);
  switch (outcomeOf(output)) {
    case 'refused':
      return `${tool} was not approved, so it was not done.`;
    case 'failed':
      return `${tool} failed: ${lines.join(' ')}`;
    case 'done':
      return lines.length === 1 && !lines[0]?.startsWith('- ')
        ? (lines[0] ?? '') || `${tool} is done.`
        : [`This is what ${tool} gave:`, ...lines].join('\n');
  }
}

/** An agent used as a tool answers with the mark already. */
const unmarked = (text: string) => text.replaceAll(simulatedMark, '');

function missingText(offer: Offer, missing: readonly Missing[]): string {
  const needs = missing.map((one) => {
    const explained = explanation(one);
    return explained ? `the ${humanName(one.name)} (${explained})` : `the ${humanName(one.name)}`;
  });
  return `For “${humanName(offer.name)}” I need ${listed(needs)}. Please tell me.`;
}

/** The options, or the description without the name that many descriptions begin with. */
function explanation({ name, description = '', options }: Missing): string {
  if (options) return `one of ${options.join(', ')}`;
  const title = `the ${humanName(name)}`;
  const rest = description.toLowerCase().startsWith(title) ? description.slice(title.length) : description;
  return rest.replace(/^[\s,:.-]+|[\s.]+$/g, '');
}

const listed = (parts: readonly string[]) =>
  parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;

function offersText(message: string, offers: readonly Offer[]): string {
  if (offers.length === 0) {
    return `There is no real model behind this answer, and no tool or specialist to choose from. You said: “${message.trim()}”`;
  }
  const lines = offers.slice(0, offersShown).map(offerLine);
  return [
    'There is no real model behind this answer; I go by the words of your message. I can help with:',
    ...lines,
  ].join('\n');
}

function offerLine({ kind, name, description }: Offer): string {
  // "Handoff to the orders agent to handle the request. " is what the SDK puts in front of every description.
  const told = description.replace(/^Handoff to the .*? agent to handle the request\.\s*/, '').trim();
  const title = humanName(kind === 'handoff' ? name.replace(/^transfer_to_/, '') : name);
  return told ? `- ${title}: ${told}` : `- ${title}`;
}
