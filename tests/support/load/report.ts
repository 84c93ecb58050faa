import type { PlannedRun } from './plan.ts';

/** An event as a client received it. */
export type SeenEvent = Record<string, unknown> & { type: string; seq: number; run_id: string };

/** What a client decided about a call whose outcome was not known. */
export type Decided = { callId: string; tool: string; decision: 'use_result' | 'retry' };

/** What became of a planned run, as its clients saw it. */
export type LoadRun = {
  planned: PlannedRun;
  runId: string | null;
  /** The status with which the run's last event came; null if no client saw it. */
  status: string | null;
  response: string | null;
  /** The events in the order in which each viewer received them, over all its connections. */
  views: SeenEvent[][];
  decisions: Decided[];
};

/** An answer other than what was asked for. */
export type LoadError = {
  run: number;
  request: 'create' | 'follow' | 'decide';
  status: number;
  /** The problem's code; empty where the answer was no problem document. */
  code: string;
  body: string;
};

/** What the clients of a load saw. */
export type LoadReport = {
  seed: number;
  runs: LoadRun[];
  errors: LoadError[];
  /** Connections that broke or were refused. */
  drops: number;
  /** What no client should see: an event twice, another run's answer, a half stream that looks whole, … In words. */
  violations: string[];
};

/** How many runs ended in each status. */
export function countStatuses({ runs }: LoadReport): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of runs) counts[status ?? 'unknown'] = (counts[status ?? 'unknown'] ?? 0) + 1;
  return counts;
}

/** How many errors there were of each status and code, such as `409 session_busy`. */
export function countErrors({ errors }: LoadReport): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, code } of errors) counts[`${status} ${code}`] = (counts[`${status} ${code}`] ?? 0) + 1;
  return counts;
}

/** Records, in words, what no client of a run should see. */
export type Violation = (run: LoadRun, what: string) => void;
