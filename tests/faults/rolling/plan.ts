import type { PlannedRun, RunKind } from '../../support/load/plan.ts';
import type { Random } from '../../support/random.ts';

/** What a client asks for, again and again. */
export type RunTemplate = {
  kind: RunKind;
  /**
   * - `short`: ends long before a grace does
   * - `long`: outlasts the grace, in a single model call; in the background, in many steps
   * - `approval`: stops for a person, who approves
   * - `queued`: short, in a session that others use too
   */
  shape: 'short' | 'long' | 'approval' | 'queued';
};

/** A run that a client will ask for. */
export type RollingRun = PlannedRun & RunTemplate;

/** How long a model takes to begin its answer, in ms. */
const delayMs = { min: 20, max: 300 };
/** The steps of a long run in the background, and the words of a long stream: it lasts as long as all of them together. */
const steps = 9;
const words = 30;
/** The session that `queued` runs share. */
const session = { session_id: 'shared', if_busy: 'wait' as const };

const sayingOf: Record<RunKind, (answer: string, longMs: number) => string> = {
  blocking: (answer, longMs) => `[[delay ${longMs}]] [[text ${answer}]]`,
  stream: (answer, longMs) => `[[tokens 1 ${longMs / words}]]+[[text ${answer}]]`,
  background: (answer) => `[[text ${answer}]]`,
};

/** The tools that a run calls, one in each turn. */
function toolsOf({ kind, shape }: RunTemplate): ('look' | 'note' | 'pay')[] {
  if (shape === 'approval') return ['look', 'pay'];
  if (shape !== 'long') return ['note', 'look'];
  return kind === 'background' ? Array(steps).fill('note') : [];
}

/**
 * Plans a run of this kind. Its answer and the arguments of its tools are its own.
 *
 * @param longMs how long a long run takes
 */
export function planRun(random: Random, number: number, template: RunTemplate, longMs: number): RollingRun {
  const { kind, shape } = template;
  const isLong = shape === 'long';
  const answer = `answer-${number}${isLong ? ' so'.repeat(words) : ''} until end-${number}`;
  const turns = toolsOf(template).map((tool, turn) => [{ tool, text: `${number}-${turn}` }]);
  const pauseMs = () => (isLong ? longMs / steps : random.between(delayMs.min, delayMs.max));
  const calls = turns
    .flat()
    .map(({ tool, text }) => `[[delay ${pauseMs()}]] [[tool ${tool} ${JSON.stringify({ text })}]]`);
  const saying = sayingOf[kind](answer, isLong ? longMs : pauseMs());
  return {
    kind,
    shape,
    number,
    body: { message: [...calls, saying].join(' '), ...(shape === 'queued' ? session : {}) },
    idempotencyKey: `rolling-${number}`,
    answer,
    turns,
    viewers: 1,
  };
}
