-- Works from: 6
-- Claims that are fair to tenants, and runs whose callers waited before there was a row.

-- As without `p_waited_ms`, for a run that was asked for that long ago: it is of then, and its time counts from there.
create function create_run(
  p_id text, p_tenant_id text, p_session_id text, p_mode text, p_agent text, p_simulated boolean, p_message text,
  p_metadata text, p_timeout_ms bigint, p_priority integer, p_run_at_ms bigint, p_request_id text, p_app_version text,
  p_sdk_version text, p_owner_id text, p_if_busy text, p_start_now boolean, p_key text, p_fingerprint text,
  p_key_ttl_ms bigint, p_cancelled text, p_waited_ms bigint,
  out outcome text, out other_id text, out at_ms bigint, out seq_at_start bigint, out claimable boolean,
  out interrupted_id text, out interrupted boolean
) language plpgsql as $$
begin
  select made.* into outcome, other_id, at_ms, seq_at_start, claimable, interrupted_id, interrupted from create_run(
    p_id, p_tenant_id, p_session_id, p_mode, p_agent, p_simulated, p_message, p_metadata, p_timeout_ms, p_priority,
    p_run_at_ms, p_request_id, p_app_version, p_sdk_version, p_owner_id, p_if_busy, p_start_now, p_key, p_fingerprint,
    p_key_ttl_ms, p_cancelled
  ) as made;
  if p_waited_ms > 0 and outcome in ('started', 'queued') then
    update runs set created_at_ms = created_at_ms - p_waited_ms, deadline_at_ms = deadline_at_ms - p_waited_ms
    where id = p_id;
  end if;
end $$;

-- The queued runs in the background of a tenant in their order, and how many of a tenant are running.
create index runs_claimable_of_tenant on runs (tenant_id, priority desc, arrival)
where status = 'queued' and mode = 'background' and crashes = 0 and run_at_ms is null;
create index runs_background_running on runs (tenant_id) where status = 'running' and mode = 'background';

-- The tenants that have runs in the background queued without a time of their own, in order of their ids, after one of
-- them and at most so many: each is found by a look at the index, whatever the tenant has queued.
create function background_tenants(p_after text, p_limit integer) returns text[] language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off
as $$
declare
  found_ids text[] := '{}';
  next_id text := p_after;
begin
  while cardinality(found_ids) < p_limit loop
    next_id := (
      select tenant_id from runs
      where status = 'queued' and mode = 'background' and crashes = 0 and run_at_ms is null and tenant_id > next_id
      order by tenant_id limit 1
    );
    exit when next_id is null;
    found_ids := found_ids || next_id;
  end loop;
  return found_ids;
end $$;

-- Runs in the background that may be claimed, the first few of each tenant. `load` is how many of its tenant would be
-- running then: whoever has the fewest is first, whatever others have queued.
create function background_candidates(p_at_ms bigint, p_agents text[], p_version text, p_limit integer)
returns table (id text, tenant_id text, session_id text, priority integer, arrival bigint, load bigint)
language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
set jit = off
as $$
declare
  tenants_max constant integer := 100;
  -- Where there are more tenants than that, each claim of a connection goes on where the last one stopped. It is a hint:
  -- nothing goes wrong if a pooler hands the connection to another process.
  after_id text := coalesce(current_setting('agent_service.claimed_tenants_to', true), '');
  tenant_ids text[] := background_tenants(after_id, tenants_max);
  each_max integer;
begin
  if cardinality(tenant_ids) < tenants_max and after_id <> '' then
    tenant_ids := array(select distinct unnest(tenant_ids || background_tenants('', tenants_max)) limit tenants_max);
    perform set_config('agent_service.claimed_tenants_to', '', false);
  elsif cardinality(tenant_ids) = tenants_max then
    perform set_config('agent_service.claimed_tenants_to', tenant_ids[tenants_max], false);
  end if;
  each_max := p_limit / greatest(1, cardinality(tenant_ids)) + 1;
  return query
  with plain as (
    select heads.* from unnest(tenant_ids) as tenant cross join lateral (
      select runs.id, runs.tenant_id, runs.session_id, runs.priority, runs.arrival
      from eligible_runs(p_at_ms, p_agents, p_version) as runs
      where runs.tenant_id = tenant and mode = 'background' and crashes = 0 and run_at_ms is null
      order by runs.priority desc, runs.arrival limit each_max
    ) as heads
  ), due as (
    select runs.id, runs.tenant_id, runs.session_id, runs.priority, runs.arrival
    from eligible_runs(p_at_ms, p_agents, p_version) as runs
    where mode = 'background' and crashes = 0 and run_at_ms <= p_at_ms
  ), placed as (
    select waiting.*, row_number() over (
      partition by waiting.tenant_id order by waiting.priority desc, waiting.arrival
    ) as place
    from (select * from plain union all select * from due) as waiting
  )
  select placed.id, placed.tenant_id, placed.session_id, placed.priority, placed.arrival, place + (
    select count(*) from runs
    where status = 'running' and mode = 'background' and runs.tenant_id = placed.tenant_id
  )
  from placed where place <= each_max;
end $$;

-- As in 006-versions.sql, but runs for which somebody waits come first, and those in the background by what their
-- tenants have running already, then by priority, then in order of arrival. Here sorts are small.
create or replace function claim_runs(
  p_owner_id text, p_limit integer, p_background_max integer, p_crashed boolean, p_agents text[], p_version text
) returns setof runs language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
set jit = off
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
    -- A kind of which none may be taken is not read.
    select candidates.* from (
      (
        select id, tenant_id, session_id, mode, crashes, priority, arrival, 0::bigint as load
        from eligible_runs(at_ms, p_agents, p_version)
        where mode <> 'background' and crashes = 0 and (run_at_ms is null or run_at_ms <= at_ms)
        order by priority desc, arrival limit looked_at
      ) union all (
        select id, tenant_id, session_id, mode, crashes, priority, arrival, 0
        from eligible_runs(at_ms, p_agents, p_version)
        where crashes > 0 and (mode <> 'background' or left_background > 0) and p_crashed
          and (run_at_ms is null or run_at_ms <= at_ms)
        order by priority desc, arrival limit looked_at
      ) union all (
        select id, tenant_id, session_id, 'background', 0, priority, arrival, load
        from background_candidates(at_ms, p_agents, p_version, looked_at) where left_background > 0
      )
    ) as candidates
    order by load, priority desc, arrival
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
