import type { ClaimedRun, ClaimOptions } from '../port/index.ts';
import { type RunRow, toRun } from '../run-row.ts';
import type { Operation } from './operation.ts';
import { columns } from './run-statements.ts';
import { holdSession } from './session-lock.ts';

/** A run that may be claimed, and what decides whether it is. */
type Candidate = { id: string; arrival: number; priority: number; background: number; crashed: number };

// Nobody holds the run's session and nobody whose time has come waits before it; or the run holds the session itself.
const itsTurn = `(
  runs.session_id is null or exists (
    select 1 from sessions
    where sessions.tenant_id = runs.tenant_id and sessions.id = runs.session_id and (
      active_run_id = runs.id or active_run_id is null and not exists (
        select 1 from runs as others
        where others.tenant_id = runs.tenant_id and others.session_id = runs.session_id and others.status = 'queued'
          and (others.line_rank, others.arrival) < (runs.line_rank, runs.arrival)
          and (others.run_at_ms is null or others.run_at_ms <= ?1)
      )
    )
  )
)`;

// One statement a kind, each on the index of its kind, which is named: there are no statistics to find it by.
const select = (index: string, kind: string) => `
  select id, arrival, priority, mode = 'background' as background, crashes > 0 as crashed
  from runs indexed by ${index}
  where status = 'queued' and ${kind} and ${itsTurn}
  order by priority desc, arrival limit ?2`;

const selectPlain = select(
  'runs_claimable',
  "mode <> 'background' and crashes = 0 and (run_at_ms is null or run_at_ms <= ?1)",
);
const selectBackground = select(
  'runs_claimable_background',
  "mode = 'background' and crashes = 0 and run_at_ms is null",
);
const selectScheduled = select(
  'runs_claimable_scheduled',
  "mode = 'background' and crashes = 0 and run_at_ms is not null and run_at_ms <= ?1",
);
const crashed = 'crashes > 0 and (run_at_ms is null or run_at_ms <= ?1)';
const selectCrashed = select('runs_claimable_crashed', crashed);
const selectCrashedPlain = select('runs_claimable_crashed', `${crashed} and mode <> 'background'`);

// A run in the background has its whole time from here. That of any other goes on, put off by as long as it stood
// still, but never beyond the whole: a clock may have been set back, or a lease have ended before the run began.
const claimRun = `
  update runs set status = 'running', attempt = attempt + 1, owner_id = ?1,
    started_at_ms = coalesce(started_at_ms, ?2),
    session_seq_at_start = coalesce(session_seq_at_start, (
      select next_seq - 1 from sessions where sessions.tenant_id = runs.tenant_id and sessions.id = runs.session_id
    )),
    deadline_at_ms = min(
      coalesce(deadline_at_ms + max(0, ?3 - coalesce(clock_stopped_at_ms, ?3)), ?3 + timeout_ms),
      ?3 + timeout_ms
    ),
    clock_stopped_at_ms = null
  where id = ?4
  returning ${columns}, deadline_at_ms`;

/** See `RunStore.claim`. */
export function claim(operation: Operation, ownerId: string, options: ClaimOptions): ClaimedRun[] {
  return choose(findCandidates(operation, options), options).map((id) => claimOne(operation, ownerId, id));
}

function findCandidates({ sql, nowMs }: Operation, { limit, backgroundMax, crashed }: ClaimOptions): Candidate[] {
  const find = (text: string, atMost: number) => sql(text).all(nowMs, atMost) as Candidate[];
  const inBackground = Math.min(limit, backgroundMax);
  if (limit <= 0) return [];
  return [
    ...find(selectPlain, limit),
    ...(inBackground > 0 ? [...find(selectBackground, inBackground), ...find(selectScheduled, inBackground)] : []),
    ...(crashed ? find(inBackground > 0 ? selectCrashed : selectCrashedPlain, 1) : []),
  ].sort((a, b) => b.priority - a.priority || a.arrival - b.arrival);
}

/** The first of the candidates, as many as may be of each kind. */
function choose(candidates: Candidate[], { limit, backgroundMax }: ClaimOptions): string[] {
  const chosen: string[] = [];
  let background = 0;
  for (const candidate of candidates) {
    if (chosen.length >= limit) break;
    if (candidate.background && background >= backgroundMax) continue;
    background += candidate.background;
    chosen.push(candidate.id);
  }
  return chosen;
}

function claimOne(operation: Operation, ownerId: string, runId: string): ClaimedRun {
  const { sql, nowMs, steadyMs } = operation;
  const row = sql(claimRun).get(ownerId, nowMs, steadyMs, runId) as RunRow & { deadline_at_ms: number };
  if (row.session_id !== null) holdSession(operation, row.tenant_id, row.session_id, runId);
  return { run: toRun(row), remainingMs: Math.max(0, row.deadline_at_ms - steadyMs) };
}
