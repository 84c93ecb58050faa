import type { Json, Step, StoredEvent } from '../../storage/port/index.ts';

/** What the keys of steps that are work of the application begin with: see `RunScope`. */
export const workKeys = { tool: 't', guardrail: 'g', handoff: 'h', approval: 'n', step: 'w' } as const;

/** What is known of a step when it begins. */
export type StepStart = Pick<Step, 'key' | 'kind' | 'scope' | 'name' | 'agent' | 'callId' | 'effect' | 'input'> & {
  idempotencyKey?: string | null;
  requestDigest?: string | null;
};

/** How a step ended. */
export type StepEnd = Partial<
  Pick<Step, 'output' | 'isError' | 'error' | 'provider' | 'model' | 'usage' | 'costUsd' | 'firstTokenMs'>
> & { status: 'completed' | 'failed' | 'unknown' };

const emptyStep = {
  status: 'started' as const,
  replayed: 0,
  output: null as Json,
  isError: false,
  error: null as Json,
  provider: null,
  model: null,
  usage: null,
  costUsd: null,
  changes: null,
  drift: false,
  firstTokenMs: null,
  durationMs: null,
};

/** A step that has begun. */
export const startedStep = (start: StepStart, number: number, attempt: number, startedAtMs: number): Step => ({
  ...emptyStep,
  ...start,
  idempotencyKey: start.idempotencyKey ?? null,
  requestDigest: start.requestDigest ?? null,
  step: number,
  attempt,
  startedAtMs,
});

/** The step that an event belongs to; 0 for events that belong to none. */
export const stepOf = ({ data }: StoredEvent): number => (typeof data.step === 'number' ? data.step : 0);

/** The highest number of these steps; 0 if there are none. */
export const lastStepOf = (steps: readonly Step[]): number => Math.max(0, ...steps.map(({ step }) => step));
