-- Several versions of an application at once: which agents a process has, and whether it still claims runs.
alter table processes add column agents text[]; -- null: of a version that does not say
alter table processes add column claims boolean not null default true;

-- As without `p_agents` and `p_version`, but only what a process of these agents and this version is to go on with. What
-- no live process fits better goes to any: a run whose agent is gone has to be told so, and one whose version is gone goes
-- on with another. A run that has not begun is of no version.
create function eligible_runs(p_at_ms bigint, p_agents text[], p_version text) returns setof runs language sql stable as $$
  select runs.* from eligible_runs(p_at_ms) as runs
  where (
    p_agents is null or runs.agent = any (p_agents) or not exists (
      select from processes
      where lease_expires_at_ms > steady_ms() and claims and (agents is null or runs.agent = any (agents))
    )
  ) and (
    p_version is null or runs.attempt = 0 or runs.app_version = p_version or not exists (
      select from processes
      where lease_expires_at_ms > steady_ms() and claims and processes.app_version = runs.app_version
    )
  )
$$;

-- Claims queued runs that a process of these agents and this version is to go on with (null: whatever they are of), by priority, then in order of arrival: at most so many, and of these at most so many
-- in the background, and one that crashed before if that is asked for. The settings keep the planner from reading all
-- that is queued, where the first few of each index are enough.
create function claim_runs(
  p_owner_id text, p_limit integer, p_background_max integer, p_crashed boolean, p_agents text[], p_version text
) returns setof runs language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_sort = off set jit = off
as $$
declare
  passed_over_max constant integer := 50; -- runs on which others work at the moment
  at_ms bigint := now_ms();
  steady_at_ms constant bigint := steady_ms();
  left_all integer := p_limit;
  left_background integer := p_background_max;
  left_crashed integer := p_crashed::integer;
  looked_at integer := p_limit + passed_over_max;
  candidate record;
  held sessions;
  claimed runs;
begin
  for candidate in
    -- The branches are the indexes of claimable runs; a kind of which none may be taken is not read.
    (
      select id, tenant_id, session_id, mode, crashes, priority, arrival from eligible_runs(at_ms, p_agents, p_version)
      where mode <> 'background' and crashes = 0 and (run_at_ms is null or run_at_ms <= at_ms)
      order by priority desc, arrival limit looked_at
    ) union all (
      select id, tenant_id, session_id, mode, crashes, priority, arrival from eligible_runs(at_ms, p_agents, p_version)
      where mode = 'background' and crashes = 0 and run_at_ms is null and left_background > 0
      order by priority desc, arrival limit looked_at
    ) union all (
      select id, tenant_id, session_id, mode, crashes, priority, arrival from eligible_runs(at_ms, p_agents, p_version)
      where mode = 'background' and crashes = 0 and run_at_ms <= at_ms and left_background > 0
      order by priority desc, arrival limit looked_at
    ) union all (
      select id, tenant_id, session_id, mode, crashes, priority, arrival from eligible_runs(at_ms, p_agents, p_version)
      where crashes > 0 and (mode <> 'background' or left_background > 0) and p_crashed
      order by priority desc, arrival limit looked_at
    )
    order by priority desc, arrival
  loop
    exit when left_all <= 0;
    continue when candidate.mode = 'background' and left_background <= 0 or candidate.crashes > 0 and left_crashed <= 0;
    if candidate.session_id is not null then
      select * into held from sessions where tenant_id = candidate.tenant_id and id = candidate.session_id
      for update skip locked;
      continue when not found or held.active_run_id <> candidate.id or held.active_run_id is null
        and next_in_line(candidate.tenant_id, candidate.session_id) is distinct from candidate.id;
    end if;
    perform from runs where id = candidate.id and status = 'queued' for update skip locked;
    continue when not found;

    update runs
    set status = 'running', attempt = attempt + 1, owner_id = p_owner_id,
      -- Later attempts read the history that the first one read, and count from its start.
      started_at_ms = coalesce(started_at_ms, at_ms),
      session_seq_at_start = coalesce(session_seq_at_start, case when session_id is not null then held.next_seq - 1 end),
      -- Never more than the whole: a lease may have ended before the run began.
      deadline_at_ms = steady_at_ms + least(
        coalesce(deadline_at_ms - coalesce(clock_stopped_at_ms, steady_at_ms), timeout_ms), timeout_ms
      ),
      clock_stopped_at_ms = null
    where id = candidate.id
    returning * into claimed;
    if claimed.session_id is not null then
      update sessions set active_run_id = claimed.id, updated_at_ms = at_ms
      where tenant_id = claimed.tenant_id and id = claimed.session_id;
    end if;
    left_all := left_all - 1;
    left_background := left_background - (claimed.mode = 'background')::integer;
    left_crashed := left_crashed - (claimed.crashes > 0)::integer;
    return next claimed;
  end loop;
end $$;

-- For processes of a version that does not say what it has.
create or replace function claim_runs(p_owner_id text, p_limit integer, p_background_max integer, p_crashed boolean)
returns setof runs language sql as $$
  select * from claim_runs(p_owner_id, p_limit, p_background_max, p_crashed, null, null)
$$;
