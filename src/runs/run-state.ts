import { type FinalStatus, finalStatuses, type RunStatus } from '../storage/port/index.ts';

/**
 * The state machine of runs: from each status, the transitions and the statuses to which they lead. The diagram in the
 * docs and the row-by-row test are made from it.
 */
export const transitions = {
  queued: { start: 'running', cancel: 'cancelled', time_out: 'timed_out', fail: 'failed' },
  running: {
    complete: 'completed',
    fail: 'failed',
    cancel: 'cancelled',
    time_out: 'timed_out',
    pause: 'requires_action',
    hand_back: 'queued',
  },
  requires_action: { decide: 'queued', cancel: 'cancelled', fail: 'failed' },
  completed: {},
  failed: {},
  cancelled: {},
  timed_out: {},
} as const satisfies Record<RunStatus, Record<string, RunStatus>>;

/** A transition of the state machine. */
export type RunTransition = {
  [From in RunStatus]: keyof (typeof transitions)[From];
}[RunStatus];

/** The status to which `transition` leads from `from`, or null if the table has no such row. */
export function nextStatus(from: RunStatus, transition: RunTransition): RunStatus | null {
  return (transitions[from] as Partial<Record<RunTransition, RunStatus>>)[transition] ?? null;
}

/** Whether a run in this status has ended for good. */
export const isFinal = (status: RunStatus): status is FinalStatus =>
  (finalStatuses as readonly RunStatus[]).includes(status);
