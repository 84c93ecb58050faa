import type { PlannedRun, RunKind } from '../../support/load/plan.ts';
import type { Random } from '../../support/random.ts';

/** What a client asks for, again and again. */
export type Errand = {
  kind: RunKind;
  /**
   * - `short`: ends long before a grace does
   * - `long`: outlasts the grace, in a single model call; in the background, in many steps
   * - `approval`: stops for a person, who approves
   * - `in line`: short, in a session that others use too
   */
  shape: 'short' | 'long' | 'approval' | 'in line';
};

/** A run that a client will ask for. */
export type RollingRun = PlannedRun & Errand;

/** How long a model takes to begin its answer, in ms. */
const delayMs = { min: 20, max: 300 };
/** The steps of a long run in the background, and the words of a long stream: it lasts as long as all of them together. */
const steps = 9;
const words = 30;
/** The session of those that stand in line. */
const session = { session_id: 'in-line', if_busy: 'wait' as const };

const sayingOf: Record<RunKind, (answer: string, longMs: number) => string> = {
  blocking: (answer, longMs) => `[[delay ${longMs}]] [[text ${answer}]]`,
  stream: (answer, longMs) => `[[tokens 1 ${longMs / words}]]+[[text ${answer}]]`,
  background: (answer) => `[[text ${answer}]]`,
};

/** The tools that a run calls, one in each turn. */
function toolsOf({ kind, shape }: Errand): ('look' | 'note' | 'pay')[] {
  if (shape === 'approval') return ['look', 'pay'];
  if (shape !== 'long') return ['note', 'look'];
  return kind === 'background' ? Array(steps).fill('note') : [];
}

/**
 * Plans a run of this kind. Its answer and the arguments of its tools are its own.
 *
 * @param longMs how long a long run takes
 */
export function planRun(random: Random, number: number, errand: Errand, longMs: number): RollingRun {
  const { kind, shape } = errand;
  const isLong = shape === 'long';
  const answer = `answer-${number}${isLong ? ' so'.repeat(words) : ''} until end-${number}`;
  const turns = toolsOf(errand).map((tool, turn) => [{ tool, text: `${number}-${turn}` }]);
  const pauseMs = () => (isLong ? longMs / steps : random.between(delayMs.min, delayMs.max));
  const calls = turns
    .flat()
    .map(({ tool, text }) => `[[delay ${pauseMs()}]] [[tool ${tool} ${JSON.stringify({ text })}]]`);
  const saying = sayingOf[kind](answer, isLong ? longMs : pauseMs());
  return {
    kind,
    shape,
    number,
    body: { message: [...calls, saying].join(' '), ...(shape === 'in line' ? session : {}) },
    idempotencyKey: `rolling-${number}`,
    answer,
    turns,
    viewers: 1,
  };
}
