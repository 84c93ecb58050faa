import { hash } from 'node:crypto';
import type { Workflow } from '../../agents/index.ts';
import { ServiceError } from '../../platform/errors.ts';
import type { JsonRecord, RunInput } from '../../storage/port/index.ts';
import { toInputItems } from '../../storage/port/index.ts';
import type { AttemptContext } from './attempt-context.ts';
import { workKeys } from './step-record.ts';

const mistake = (what: string) => new ServiceError('agent_error', { what });

/**
 * What a workflow has returned, as the answer of its run: a string, or another JSON value that fits its schema.
 *
 * @throws {ServiceError} `agent_error` with what is wrong with it
 */
export async function checkedAnswer(name: string, { output }: Workflow, returned: unknown): Promise<unknown> {
  let answer = returned;
  if (output) {
    const parsed = await output.safeParseAsync(returned);
    const where = parsed.error?.issues[0]?.path.map(String).join('.') ?? '';
    const at = where === '' ? '' : ` at "${where.slice(0, 200)}"`;
    if (!parsed.success) throw mistake(`What the workflow "${name}" returned does not fit its output schema${at}.`);
    answer = parsed.data;
  }
  if (answer === undefined || typeof answer === 'string') return answer ?? '';
  try {
    const text = JSON.stringify(answer) as string | undefined;
    if (text !== undefined) return JSON.parse(text);
  } catch {
    // the error of JSON.stringify may quote the value
  }
  throw mistake(`The workflow "${name}" must return a string or another JSON value.`);
}

/** The answer as text. */
export const textOfAnswer = (answer: unknown): string => (typeof answer === 'string' ? answer : JSON.stringify(answer));

const key = `${workKeys.step}:answer`;

/**
 * Emits the answer as the text of the run, once: an execution that comes to another answer than the one before withdraws
 * that one.
 */
export function emitAnswer(attempt: AttemptContext, answer: unknown): void {
  const { journal, clock, run } = attempt;
  const text = textOfAnswer(answer);
  const requestDigest = hash('sha256', text, 'base64url');
  const before = journal.find(key);
  if (before?.requestDigest === requestDigest) {
    journal.replayed(before, false);
    return;
  }
  const number = journal.stepNumber(key);
  if (before) attempt.resetText(number, 'recovery');
  attempt.emitText(number, text);
  attempt.flushText();
  const start = { key, kind: 'step' as const, scope: '', name: 'answer', agent: run.agent, callId: null, effect: null };
  journal.record({ ...start, input: null, requestDigest }, number, clock.nowMs(), { status: 'completed' });
}

/** What the run of a workflow adds to its session: the input of its user, and its answer. */
export const itemsOfAnswer = (input: RunInput, answer: unknown): JsonRecord[] => [
  ...toInputItems(input),
  {
    type: 'message',
    role: 'assistant',
    status: 'completed',
    content: [{ type: 'output_text', text: textOfAnswer(answer) }],
  },
];
