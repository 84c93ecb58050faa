import type { Step } from './journal.ts';
import { toInputItems } from './run-input.ts';
import { toOutputText } from './tool-output.ts';
import type { Json, JsonRecord, RunInput } from './types.ts';

const asText = (input: Json) => (typeof input === 'string' ? input : JSON.stringify(input));

/** A recorded call and its result, as the SDK stores them in a conversation. */
const toItems = ({ callId, name, input, output }: Step): JsonRecord[] => [
  { type: 'function_call', callId, name, arguments: asText(input), status: 'completed' },
  {
    type: 'function_call_result',
    callId,
    name,
    status: 'completed',
    output: { type: 'text', text: toOutputText(output) },
  },
];

// An agent used as a tool has no effect of its own (null); the calls of its tools count.
const isDone = ({ kind, status, effect }: Step): boolean =>
  kind === 'tool_call' && status === 'completed' && effect !== null && effect !== 'read';

/** Whether a call happened inside one of these calls, whose result includes it. */
const isWithin = (step: Step, calls: readonly Step[]): boolean =>
  calls.some(({ key }) => `${step.scope}/`.startsWith(`/${key.slice('t:'.length)}/`));

/**
 * The items that a run that did not complete adds to its session: none if every completed tool only read; otherwise the
 * input, the completed calls with their results (those of agents used as tools too), and a note, so that the
 * next turn does not repeat an effect. Every engine adds the same items for runs that it ends itself.
 *
 * @param steps the run's journal, in the order in which its steps began
 * @param code why the run ended, a code of `errorCatalogue`
 */
export function unfinishedTurnItems(input: RunInput, steps: readonly Step[], code: string): JsonRecord[] {
  const done = steps.filter(isDone);
  if (done.length === 0) return [];
  const outermost = done.filter((step) => !isWithin(step, done));
  const text = `[This turn ended early (${code}). The tool calls above were carried out; no answer was given.]`;
  return [
    ...toInputItems(input),
    ...outermost.flatMap(toItems),
    { type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text }] },
  ];
}
