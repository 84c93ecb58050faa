import { createRandom, type Random } from '../random.ts';

/** How a run is asked for. */
export type RunKind = 'blocking' | 'stream' | 'background';

/** A tool of `apps/fault-points.ts` or `apps/rolling.ts` that a run will call; its `text` is its own in all of a load. */
export type PlannedCall = { tool: 'note' | 'note_once' | 'look' | 'pay'; text: string };

/** A run that a client will ask for. */
export type PlannedRun = {
  /** From 1, in the order in which clients take them. */
  number: number;
  kind: RunKind;
  /** What is sent, and sent again until there is a run. */
  body: { message: string; session_id?: string; if_busy?: 'wait' };
  idempotencyKey: string;
  /** What the model will say in the end, which it says to no other run. */
  answer: string;
  /** The calls by the turn in which the model makes them. */
  turns: PlannedCall[][];
  /** Clients that follow the run, from its first event on. */
  viewers: number;
};

/** Which runs to plan. */
export type PlanOptions = {
  runs: number;
  seed: number;
  /** Sessions, shared by about half of the runs. Defaults to 3. */
  sessions?: number;
  /** Distinguishes loads on one store: it is a part of keys and sessions. Defaults to the seed. */
  name?: string;
};

const paths: Record<RunKind, string> = {
  blocking: '/api/v1/run',
  stream: '/api/v1/run/stream',
  background: '/api/v1/runs',
};
/** Where a run of this kind is asked for. */
export const pathOf = ({ kind }: PlannedRun): string => paths[kind];

/** What models do, turn by turn: nothing but speak, tools of each effect, several at once, several in a row. */
const shapes: PlannedCall['tool'][][][] = [
  [],
  [],
  [['look']],
  [['note']],
  [['note_once']],
  [['note', 'note_once', 'look']],
  [['look', 'look']],
  [['note', 'note_once'], ['look']],
  [['note_once'], ['note_once', 'note']],
];

const directiveOf = ({ tool, text }: PlannedCall) => `[[tool ${tool} ${JSON.stringify({ text })}]]`;

/** The fake provider's directives: the tools of each turn, then the answer, word by word and sometimes slowly. */
function messageOf(random: Random, turns: PlannedCall[][], answer: string): string {
  const pace = random.chance(0.5) ? `[[tokens 1 ${random.between(1, 4)}]]+` : '';
  return [...turns.map((calls) => calls.map(directiveOf).join('+')), `${pace}[[text ${answer}]]`].join(' ');
}

function planRun(random: Random, number: number, { seed, sessions = 3, name = `${seed}` }: PlanOptions): PlannedRun {
  const turns = random
    .pick(shapes)
    .map((tools, turn) => tools.map((tool, index) => ({ tool, text: `${name}-${number}-${turn}-${index}` })));
  const answer = `answer-${number} of ${name} ${'and so on '.repeat(random.between(0, 6))}until end-${number}`;
  const session = random.chance(0.55) ? { session_id: `shared-${name}-${random.between(1, sessions)}` } : {};
  return {
    number,
    kind: random.pick(['blocking', 'stream', 'background']),
    body: { message: messageOf(random, turns, answer), ...session, if_busy: 'wait' },
    idempotencyKey: `load-${name}-${number}`,
    answer,
    turns,
    viewers: random.chance(0.25) ? 2 : 1,
  };
}

/** The runs of a load: the same ones for the same seed. */
export function planRuns(options: PlanOptions): PlannedRun[] {
  const random = createRandom(options.seed);
  return Array.from({ length: options.runs }, (_, index) => planRun(random, index + 1, options));
}
