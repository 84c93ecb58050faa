/** The text answers of the simulated model: tool results, questions for missing arguments, and the available tools. */
import type { MissingArgument } from './arguments.ts';
import type { Call, Conversation } from './conversation.ts';
import type { Callable, Decision } from './decide.ts';
import { outcomeOf } from './outcome.ts';
import { toReadableLines } from './readable.ts';
import { humanName } from './words.ts';

/** The beginning of every text answer. */
export const simulatedMark = '[simulated] ';

/** The longest answer, in characters. At one word every 15 ms it streams within some ten seconds. */
const answerMax = 4_000;

/** The most tools and handoffs that an answer lists. */
const callablesShownMax = 10;

type Answer = Extract<Decision, { type: 'answer' }>;

/** The text of an answer, with the mark at the beginning. */
export function answerText(decision: Answer, conversation: Conversation, callables: readonly Callable[]): string {
  const text = simulatedMark + plainText(decision, conversation, callables);
  return text.length > answerMax ? `${text.slice(0, answerMax - 1)}…` : text;
}

function plainText(decision: Answer, conversation: Conversation, callables: readonly Callable[]): string {
  switch (decision.about) {
    case 'results':
      return conversation.calls.map(resultText).join('\n\n');
    case 'missing':
      return missingText(decision.callable, decision.missing);
    case 'callables':
      return callablesText(conversation.message, callables);
  }
}

function resultText({ name, output = '' }: Call): string {
  const tool = `“${humanName(name)}”`;
  const lines = toReadableLines(output).map(unmarked);
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

/** The output of an agent used as a tool already has the mark. */
const unmarked = (text: string) => text.replaceAll(simulatedMark, '');

function missingText(callable: Callable, missing: readonly MissingArgument[]): string {
  const needs = missing.map((argument) => {
    const explained = explanation(argument);
    return explained ? `the ${humanName(argument.name)} (${explained})` : `the ${humanName(argument.name)}`;
  });
  return `For “${humanName(callable.name)}” I need ${joinList(needs)}. Please tell me.`;
}

/** The options, or the description without the argument's name at its beginning. */
function explanation({ name, description = '', options }: MissingArgument): string {
  if (options) return `one of ${options.join(', ')}`;
  const title = `the ${humanName(name)}`;
  const rest = description.toLowerCase().startsWith(title) ? description.slice(title.length) : description;
  return rest.replace(/^[\s,:.-]+|[\s.]+$/g, '');
}

const joinList = (parts: readonly string[]) =>
  parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;

function callablesText(message: string, callables: readonly Callable[]): string {
  if (callables.length === 0) {
    return `There is no real model behind this answer, and no tool or specialist to choose from. You said: “${message.trim()}”`;
  }
  const lines = callables.slice(0, callablesShownMax).map(callableLine);
  return [
    'There is no real model behind this answer; I go by the words of your message. I can help with:',
    ...lines,
  ].join('\n');
}

function callableLine({ kind, name, description }: Callable): string {
  // The SDK begins every description of a handoff with "Handoff to the orders agent to handle the request. ".
  const summary = description.replace(/^Handoff to the .*? agent to handle the request\.\s*/, '').trim();
  const title = humanName(kind === 'handoff' ? name.replace(/^transfer_to_/, '') : name);
  return summary ? `- ${title}: ${summary}` : `- ${title}`;
}
