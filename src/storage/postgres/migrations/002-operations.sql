-- What happens to a run is decided here, one function an operation, so that each is one statement and one round trip
-- for the service. All take the same order: first the session's row is locked, then the run's is read and written. A
-- statement inside these functions sees what was committed before that statement began, so after the lock is taken
-- nothing of the session can be out of date, and nobody waits for two sessions at once.

-- The session's row, locked until the end of the transaction; made if it is new.
create function lock_session(p_tenant_id text, p_id text) returns sessions language plpgsql as $$
declare
  held sessions;
begin
  loop
    select * into held from sessions where tenant_id = p_tenant_id and id = p_id for update;
    exit when found;
    insert into sessions (tenant_id, id, created_at_ms, updated_at_ms)
    values (p_tenant_id, p_id, now_ms(), now_ms())
    on conflict (tenant_id, id) do nothing; -- and round again: it may be deleted before it is locked
  end loop;
  return held;
end $$;

-- The run that is next in the session's line, if any waits.
create function next_in_line(p_tenant_id text, p_session_id text) returns text language sql
begin atomic
  select id from runs where tenant_id = p_tenant_id and session_id = p_session_id and status = 'queued'
  order by arrival limit 1;
end;

-- Creates a run. `outcome` is `started`, `queued` or `busy`; `holder_id` is who holds the session or is next in its line.
create function create_run(
  p_id text, p_tenant_id text, p_session_id text, p_mode text, p_agent text, p_simulated boolean, p_message text,
  p_metadata text, p_timeout_ms bigint, p_request_id text, p_app_version text, p_sdk_version text, p_owner_id text,
  p_may_wait boolean,
  out outcome text, out holder_id text, out at_ms bigint, out seq_at_start bigint
) language plpgsql as $$
declare
  held sessions;
  starts boolean;
begin
  if p_session_id is not null then
    held := lock_session(p_tenant_id, p_session_id);
    holder_id := coalesce(held.active_run_id, next_in_line(p_tenant_id, p_session_id));
  end if;
  starts := holder_id is null;

  if not starts then
    if not p_may_wait or exists (
      select from runs where id = held.active_run_id and status = 'requires_action' -- nobody waits for a person
    ) then
      outcome := 'busy';
      return;
    end if;
  end if;

  at_ms := case when held.runs_count = 0 then held.created_at_ms else now_ms() end;
  outcome := case when starts then 'started' else 'queued' end;
  seq_at_start := case when starts then held.next_seq - 1 end;
  insert into runs (
    id, tenant_id, session_id, status, mode, agent, simulated, message, metadata, attempt, owner_id, timeout_ms,
    session_seq_at_start, request_id, app_version, sdk_version, created_at_ms, started_at_ms
  ) values (
    p_id, p_tenant_id, p_session_id, case when starts then 'running' else 'queued' end, p_mode, p_agent, p_simulated,
    p_message, p_metadata, case when starts then 1 else 0 end, p_owner_id, p_timeout_ms,
    seq_at_start, p_request_id, p_app_version, p_sdk_version, at_ms, case when starts then at_ms end
  );
  if p_session_id is not null then
    update sessions
    set runs_count = runs_count + 1, updated_at_ms = at_ms,
      active_run_id = case when starts then p_id else active_run_id end
    where tenant_id = p_tenant_id and id = p_session_id;
  end if;
end $$;

-- Starts a queued run whose turn it is; no row if it is not.
create function start_queued_run(p_tenant_id text, p_id text, p_owner_id text) returns setof runs
language plpgsql as $$
declare
  asked_session_id text;
  held sessions;
  at_ms bigint;
begin
  select session_id into asked_session_id from runs
  where id = p_id and tenant_id = p_tenant_id and status = 'queued';
  if not found then
    return;
  end if;
  if asked_session_id is not null then
    select * into held from sessions where tenant_id = p_tenant_id and id = asked_session_id for update;
    if held.active_run_id is not null or next_in_line(p_tenant_id, asked_session_id) is distinct from p_id then
      return;
    end if;
  end if;

  at_ms := now_ms();
  return query
    update runs
    set status = 'running', attempt = attempt + 1, owner_id = p_owner_id,
      -- Later attempts read the history that the first one read, and count from its start.
      started_at_ms = coalesce(started_at_ms, at_ms),
      session_seq_at_start = coalesce(session_seq_at_start, held.next_seq - 1)
    where id = p_id and tenant_id = p_tenant_id and status = 'queued'
    returning *;
  if found and asked_session_id is not null then
    update sessions set active_run_id = p_id, updated_at_ms = at_ms
    where tenant_id = p_tenant_id and id = asked_session_id;
  end if;
end $$;

-- Ends a run at its attempt, with its items and its session; no row if another attempt has taken over or the run had
-- ended.
create function finish_run(
  p_tenant_id text, p_id text, p_attempt integer, p_status text, p_last_agent text, p_model text, p_response text,
  p_output text, p_requests bigint, p_input_tokens bigint, p_cached_input_tokens bigint, p_output_tokens bigint,
  p_reasoning_tokens bigint, p_total_tokens bigint, p_cost_usd double precision, p_error text, p_first_token_ms bigint,
  p_items text[]
) returns setof runs language plpgsql as $$
declare
  ended_session_id text;
  held sessions;
  at_ms bigint;
begin
  select session_id into ended_session_id from runs
  where id = p_id and tenant_id = p_tenant_id and attempt = p_attempt
    and status in ('queued', 'running', 'requires_action');
  if not found then
    return;
  end if;
  if ended_session_id is not null then
    select * into held from sessions where tenant_id = p_tenant_id and id = ended_session_id for update;
  end if;

  at_ms := now_ms();
  return query
    update runs
    set status = p_status, last_agent = p_last_agent, model = p_model, response = p_response, output = p_output,
      requests = p_requests, input_tokens = p_input_tokens, cached_input_tokens = p_cached_input_tokens,
      output_tokens = p_output_tokens, reasoning_tokens = p_reasoning_tokens, total_tokens = p_total_tokens,
      cost_usd = p_cost_usd, error = p_error, first_token_ms = p_first_token_ms,
      required_action = null, finished_at_ms = at_ms
    where id = p_id and tenant_id = p_tenant_id and attempt = p_attempt
      and status in ('queued', 'running', 'requires_action')
    returning *;
  if not found or ended_session_id is null then
    return;
  end if;

  insert into session_items (tenant_id, session_id, seq, run_id, created_at_ms, item)
  select p_tenant_id, ended_session_id, held.next_seq + position - 1, p_id, at_ms, item
  from unnest(p_items) with ordinality as new_items (item, position);
  update sessions
  set next_seq = next_seq + cardinality(p_items), updated_at_ms = at_ms,
    last_agent = coalesce(p_last_agent, last_agent), active_run_id = nullif(active_run_id, p_id),
    requests = requests + p_requests, input_tokens = input_tokens + p_input_tokens,
    cached_input_tokens = cached_input_tokens + p_cached_input_tokens, output_tokens = output_tokens + p_output_tokens,
    reasoning_tokens = reasoning_tokens + p_reasoning_tokens, total_tokens = total_tokens + p_total_tokens,
    cost_usd = case when p_cost_usd is null then cost_usd else coalesce(cost_usd, 0) + p_cost_usd end
  where tenant_id = p_tenant_id and id = ended_session_id;
end $$;

-- Ends unfinished runs whose process is dead, oldest first, at most so many. Only here are several sessions locked at
-- once, so one process at a time does it: two could wait for each other.
create function fail_orphans(p_error text, p_limit integer) returns setof runs language plpgsql as $$
declare
  alive text[];
  orphan runs;
  at_ms bigint;
begin
  perform pg_advisory_xact_lock(7031002);
  at_ms := now_ms();
  alive := array(select id from processes where lease_expires_at_ms > at_ms);
  for orphan in
    select * from runs where status in ('queued', 'running') and owner_id <> all (alive)
    order by arrival limit p_limit
  loop
    perform from sessions where tenant_id = orphan.tenant_id and id = orphan.session_id for update;
    -- A heartbeat that is under way is waited for, and one that comes later finds that the lease has ended.
    perform from processes where id = orphan.owner_id for update;
    at_ms := now_ms();
    update runs
    set status = 'failed', error = p_error, crashes = crashes + 1, finished_at_ms = at_ms
    where id = orphan.id and status in ('queued', 'running')
      and not exists (select from processes where id = owner_id and lease_expires_at_ms > at_ms)
    returning * into orphan;
    continue when not found;
    update sessions set active_run_id = nullif(active_run_id, orphan.id), updated_at_ms = at_ms
    where tenant_id = orphan.tenant_id and id = orphan.session_id;
    return next orphan;
  end loop;
end $$;

-- Deletes a session and its items. `outcome` is `deleted`, `not_found` or `busy`, then with who holds it or waits.
create function delete_session(p_tenant_id text, p_id text, out outcome text, out holder_id text) language plpgsql as $$
declare
  active_id text;
begin
  select active_run_id into active_id from sessions where tenant_id = p_tenant_id and id = p_id for update;
  if not found then
    outcome := 'not_found';
    return;
  end if;
  holder_id := coalesce(active_id, next_in_line(p_tenant_id, p_id));
  outcome := case when holder_id is null then 'deleted' else 'busy' end;
  if holder_id is null then
    delete from session_items where tenant_id = p_tenant_id and session_id = p_id;
    delete from sessions where tenant_id = p_tenant_id and id = p_id;
  end if;
end $$;

-- Counts one request against a limit (GCRA). Returns the arrival time that was kept before, and the time of the
-- decision; from these `decide` in src/platform/gcra.ts comes to the same decision and to the same time to keep.
create function take_rate(
  p_key text, p_interval_ms double precision, p_capacity_ms double precision,
  out tat_before_ms double precision, out at_ms bigint
) language plpgsql as $$
declare
  used_ms double precision;
begin
  insert into rate_limits as kept (key, tat_ms) values (p_key, 0)
  on conflict (key) do update set tat_ms = kept.tat_ms -- locks it
  returning tat_ms into tat_before_ms;
  at_ms := now_ms();
  used_ms := least(greatest(tat_before_ms - at_ms, 0), p_capacity_ms);
  if used_ms + p_interval_ms <= p_capacity_ms then
    used_ms := used_ms + p_interval_ms;
  end if;
  update rate_limits set tat_ms = at_ms + used_ms where key = p_key;
end $$;
