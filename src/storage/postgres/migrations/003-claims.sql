-- Who executes which run. Here several runs and sessions are locked in one transaction, so nobody waits for a session
-- or for the run of somebody who may wait for another: what others work on is passed over, and found the next time.

-- The queued runs that nobody stands in the way of: without a session, or holding theirs, or first in the line of a free
-- one. Planned as a part of the query that uses it.
create function eligible_runs(p_at_ms bigint) returns setof runs language sql stable
begin atomic
  select runs.* from runs
  left join sessions on sessions.tenant_id = runs.tenant_id and sessions.id = runs.session_id
  where runs.status = 'queued' and (
    runs.session_id is null or sessions.active_run_id = runs.id
    or sessions.active_run_id is null and runs.id = (
      select line.id from runs as line
      where line.tenant_id = runs.tenant_id and line.session_id = runs.session_id and line.status = 'queued'
        and (line.run_at_ms is null or line.run_at_ms <= p_at_ms)
      order by line.line_rank, line.arrival limit 1
    )
  );
end;

-- Claims queued runs for a process, by priority, then in order of arrival: at most so many, and of these at most so many
-- in the background, and one that crashed before if that is asked for. The settings keep the planner from reading all
-- that is queued, where the first few of each index are enough.
create function claim_runs(p_owner_id text, p_limit integer, p_background_max integer, p_crashed boolean)
returns setof runs language plpgsql
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
      select id, tenant_id, session_id, mode, crashes, priority, arrival from eligible_runs(at_ms)
      where mode <> 'background' and crashes = 0 and (run_at_ms is null or run_at_ms <= at_ms)
      order by priority desc, arrival limit looked_at
    ) union all (
      select id, tenant_id, session_id, mode, crashes, priority, arrival from eligible_runs(at_ms)
      where mode = 'background' and crashes = 0 and run_at_ms is null and left_background > 0
      order by priority desc, arrival limit looked_at
    ) union all (
      select id, tenant_id, session_id, mode, crashes, priority, arrival from eligible_runs(at_ms)
      where mode = 'background' and crashes = 0 and run_at_ms <= at_ms and left_background > 0
      order by priority desc, arrival limit looked_at
    ) union all (
      select id, tenant_id, session_id, mode, crashes, priority, arrival from eligible_runs(at_ms)
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

-- Takes a process out; the time of its runs stands still from now on. Its row is locked first and then the runs in the
-- order of ids, as below.
create function unregister_process(p_id text) returns void language plpgsql as $$
declare
  left_ids text[];
begin
  delete from processes where id = p_id;
  left_ids := array(select id from runs where owner_id = p_id and status = 'running' order by id for update);
  update runs set clock_stopped_at_ms = steady_ms() where id = any (left_ids);
end $$;

-- The running runs whose process is dead, in order of arrival, at most so many.
create function find_orphans(p_limit integer) returns setof runs language plpgsql as $$
declare
  steady_at_ms constant bigint := steady_ms();
  judged text[] := '{}';
  alive text[] := '{}';
  orphan runs;
begin
  for orphan in
    select runs.* from runs left join processes on processes.id = owner_id
    where status = 'running' and (processes.id is null or lease_expires_at_ms <= steady_at_ms)
    order by arrival limit p_limit
  loop
    if orphan.owner_id <> all (judged) then
      -- A heartbeat that is under way saves the runs of its process; one that comes later finds the lease ended.
      update processes set lock_key = null
      where id = (select id from processes where id = orphan.owner_id for update skip locked)
        and lease_expires_at_ms <= steady_at_ms;
      if not found and exists (select from processes where id = orphan.owner_id) then
        alive := alive || orphan.owner_id;
      end if;
      judged := judged || orphan.owner_id;
    end if;
    continue when orphan.owner_id = any (alive);
    if orphan.session_id is not null then
      perform from sessions where tenant_id = orphan.tenant_id and id = orphan.session_id for update skip locked;
      continue when not found;
    end if;
    return next orphan;
  end loop;
end $$;

-- Takes back the runs of dead processes, in order of arrival, at most so many: queued again; or cancelled, if that was
-- asked for; or failed, if the run crashed too often without a step completed between.
create function recover_orphans(p_poison text, p_cancelled text, p_limit integer) returns setof runs
language plpgsql as $$
declare
  crashes_max constant integer := 3;
  steady_at_ms constant bigint := steady_ms();
  found_ids text[] := array(select id from find_orphans(p_limit));
  orphan record;
  taken runs;
  completed integer;
begin
  -- Here somebody is waited for: an append that is under way. It locks runs in the same order.
  perform from runs where id = any (found_ids) order by id for update;
  for orphan in
    select runs.id, lease_expires_at_ms from runs left join processes on processes.id = owner_id
    where runs.id = any (found_ids) and status = 'running' and (processes.id is null or lease_expires_at_ms <= steady_at_ms)
    order by arrival
  loop
    completed := (select count(*) from steps where run_id = orphan.id and status = 'completed');
    update runs
    set status = 'queued', owner_id = null, crashes = crashes + 1,
      -- Its time stands still since its process left or the lease ended, or else since the last that is known of it.
      clock_stopped_at_ms = least(steady_at_ms, coalesce(
        clock_stopped_at_ms, orphan.lease_expires_at_ms, steady_at_ms - (
          select now_ms() - coalesce(max(events.at_ms), started_at_ms) from events where run_id = orphan.id
        )
      )),
      crashes_without_step = case when completed > steps_at_crash then 1 else crashes_without_step + 1 end,
      steps_at_crash = completed
    where id = orphan.id
    returning * into taken;
    if taken.cancel_requested_at_ms is not null then
      taken := end_run(orphan.id, 'cancelled', p_cancelled);
    elsif taken.crashes_without_step >= crashes_max then
      taken := end_run(orphan.id, 'failed', p_poison);
    end if;
    return next taken;
  end loop;
end $$;
