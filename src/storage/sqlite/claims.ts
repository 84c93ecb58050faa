import type { ClaimedRun, ClaimOptions } from '../port/index.ts';
import { type RunRow, toRun } from '../run-row.ts';
import type { Operation } from './operation.ts';
import { columns } from './run-statements.ts';
import { lastAgentSql, lockSession } from './session-lock.ts';

/** A run that may be claimed, and what decides whether it is. */
type Candidate = {
  id: string;
  tenant_id: string;
  arrival: number;
  priority: number;
  background: number;
  crashed: number;
};

type TenantRow = { id: string };

// The run has no session, or holds it, or the session is free and the run is the first in its queue that is due.
const isNextInSession = `(
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

const candidateColumns = "id, tenant_id, arrival, priority, mode = 'background' as background, crashes > 0 as crashed";

// One statement a kind of run, each on the index of its kind. The index is named, since SQLite keeps no statistics here.
const select = (index: string, kind: string) => `
  select ${candidateColumns} from runs indexed by ${index}
  where status = 'queued' and ${kind} and ${isNextInSession}
  order by priority desc, arrival limit ?2`;

const isDue = '(run_at_ms is null or run_at_ms <= ?1)';
const selectPlain = select('runs_claimable', `mode <> 'background' and crashes = 0 and ${isDue}`);
const selectCrashed = select('runs_claimable_crashed', `crashes > 0 and ${isDue}`);
const selectCrashedPlain = select('runs_claimable_crashed', `crashes > 0 and ${isDue} and mode <> 'background'`);

const inBackground = "mode = 'background' and crashes = 0 and run_at_ms is null";
const selectOfTenant = select('runs_claimable_of_tenant', `tenant_id = ?3 and ${inBackground}`);

// Each tenant costs one search of the index, however many runs it has queued.
const nextTenant = (after: string) => `
  select min(tenant_id) from runs indexed by runs_claimable_of_tenant
  where status = 'queued' and ${inBackground} and tenant_id > ${after}`;
const selectTenants = `
  with recursive tenants (id) as (
    ${nextTenant('?1')} union all select (${nextTenant('tenants.id')}) from tenants where id is not null
    limit ?2
  ) select id from tenants where id is not null`;
/** Tenants whose runs one claim considers; the next claim goes on after them (round-robin). */
const tenantsMax = 32;

const selectCursor = 'select after_id as id from claim_turn';
const setCursor = 'update claim_turn set after_id = ?';

const selectScheduled = `
  select id, tenant_id, arrival, priority, background, crashed from (
    select ${candidateColumns}, row_number() over (partition by tenant_id order by priority desc, arrival) as position
    from runs indexed by runs_claimable_scheduled
    where status = 'queued' and mode = 'background' and crashes = 0 and run_at_ms is not null and run_at_ms <= ?1
      and ${isNextInSession}
  ) where position <= ?2`;

const countRunning = `
  select tenant_id as id, count(*) as running from runs indexed by runs_background_running
  where status = 'running' and mode = 'background' group by tenant_id`;

// The time of a background run starts here. The deadline of any other run is put off by as long as its clock was
// stopped, but it is never further away than the whole time: a clock may have been set back, or a lease may have ended
// before the run began.
const claimRun = `
  update runs set status = 'running', attempt = attempt + 1, owner_id = ?1,
    agent = case when continues = 1 and attempt = 0
      then coalesce((${lastAgentSql('?1', 'runs.tenant_id', 'runs.session_id')}), agent) else agent end,
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

function findCandidates(operation: Operation, { limit, backgroundMax, crashed }: ClaimOptions): Candidate[] {
  const { sql, nowMs } = operation;
  const find = (text: string, atMost: number) => sql(text).all(nowMs, atMost) as Candidate[];
  const background = Math.min(limit, backgroundMax);
  if (limit <= 0) return [];
  const first = [
    ...find(selectPlain, limit),
    ...(crashed ? find(background > 0 ? selectCrashed : selectCrashedPlain, 1) : []),
  ].sort(byPriority);
  return background > 0 ? [...first, ...findBackground(operation, background)] : first;
}

const byPriority = (a: Candidate, b: Candidate) => b.priority - a.priority || a.arrival - b.arrival;

/**
 * Background runs that may be claimed, in the order of a fair queue: first the runs whose tenant would have the fewest
 * running, however many runs other tenants have queued.
 */
function findBackground(operation: Operation, atMost: number): Candidate[] {
  const { sql, nowMs } = operation;
  const tenants = findTenants(operation);
  const each = Math.ceil((2 * atMost) / Math.max(1, tenants.length)); // some tenants may have none that is eligible
  const found = [
    ...tenants.flatMap(({ id }) => sql(selectOfTenant).all(nowMs, Math.min(each, atMost), id) as Candidate[]),
    ...(sql(selectScheduled).all(nowMs, atMost) as Candidate[]),
  ].sort(byPriority);
  const running = sql(countRunning).all() as (TenantRow & { running: number })[];
  const loads = new Map(running.map(({ id, running: count }) => [id, count]));
  const loaded = found.map((candidate) => {
    const load = (loads.get(candidate.tenant_id) ?? 0) + 1;
    loads.set(candidate.tenant_id, load);
    return { candidate, load };
  });
  return loaded.sort((a, b) => a.load - b.load).map(({ candidate }) => candidate);
}

/** Tenants that have background runs queued: all of them, or the next ones by round-robin. */
function findTenants({ sql }: Operation): TenantRow[] {
  const find = (after: string) => sql(selectTenants).all(after, tenantsMax) as TenantRow[];
  const after = (sql(selectCursor).all() as TenantRow[])[0]?.id ?? '';
  const found = find(after);
  if (found.length === tenantsMax) sql(setCursor).run(found.at(-1)?.id as string);
  else if (after !== '') {
    sql(setCursor).run('');
    const known = new Set(found.map(({ id }) => id));
    found.push(...find('').filter(({ id }) => !known.has(id)));
  }
  return found.slice(0, tenantsMax);
}

/** The first candidates, within the limits. */
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
  if (row.session_id !== null) lockSession(operation, row.tenant_id, row.session_id, runId);
  return { run: toRun(row), remainingMs: Math.max(0, row.deadline_at_ms - steadyMs) };
}
