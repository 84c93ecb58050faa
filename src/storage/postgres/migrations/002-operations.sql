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

-- The run, with its session and itself locked until the end of the transaction; null if the tenant has none of that id.
create function lock_run(p_tenant_id text, p_id text) returns runs language plpgsql as $$
declare
  locked runs;
begin
  select * into locked from runs where id = p_id and tenant_id = p_tenant_id;
  if locked.session_id is not null then
    perform from sessions where tenant_id = p_tenant_id and id = locked.session_id for update;
  end if;
  select * into locked from runs where id = p_id and tenant_id = p_tenant_id for update;
  return locked;
end $$;

-- The run that is next in the session's line, if any waits whose time has come.
create function next_in_line(p_tenant_id text, p_session_id text) returns text language sql
begin atomic
  select id from runs
  where tenant_id = p_tenant_id and session_id = p_session_id and status = 'queued'
    and (run_at_ms is null or run_at_ms <= now_ms())
  order by line_rank, arrival limit 1;
end;

-- Records steps and events, given as `{"steps": [row, …], "events": [row, …]}`, of these runs, whose rows are locked.
-- A step that is there is written over. An event that is there is an error, unless what was recorded may come again and
-- it is the same to the letter: whoever lost the connection at the commit does not know that it happened. Returns the
-- runs that have new events.
create function record_entries(p_run_ids text[], p_entries json, p_again boolean, out told_ids text[])
language plpgsql as $$
declare
  recorded bigint;
begin
  insert into steps
  select entry.* from json_populate_recordset(null::steps, p_entries -> 'steps') as entry
  where entry.run_id = any (p_run_ids)
  on conflict (run_id, step) do update set
    key = excluded.key, kind = excluded.kind, scope = excluded.scope, name = excluded.name, agent = excluded.agent,
    call_id = excluded.call_id, status = excluded.status, attempt = excluded.attempt, replayed = excluded.replayed,
    effect = excluded.effect, idempotency_key = excluded.idempotency_key, input = excluded.input,
    output = excluded.output, is_error = excluded.is_error, error = excluded.error, provider = excluded.provider,
    model = excluded.model, requests = excluded.requests, input_tokens = excluded.input_tokens,
    cached_input_tokens = excluded.cached_input_tokens, output_tokens = excluded.output_tokens,
    reasoning_tokens = excluded.reasoning_tokens, total_tokens = excluded.total_tokens, cost_usd = excluded.cost_usd,
    request_digest = excluded.request_digest, drift = excluded.drift, started_at_ms = excluded.started_at_ms,
    first_token_ms = excluded.first_token_ms, duration_ms = excluded.duration_ms;

  with inserted as (
    insert into events
    select entry.* from json_populate_recordset(null::events, p_entries -> 'events') as entry
    where entry.run_id = any (p_run_ids)
    on conflict (run_id, seq) do nothing
    returning run_id
  )
  select coalesce(array_agg(distinct run_id), '{}'), count(*) into told_ids, recorded from inserted;
  if recorded < json_array_length(p_entries -> 'events') and exists (
    select from json_populate_recordset(null::events, p_entries -> 'events') as entry
    join events as kept on kept.run_id = entry.run_id and kept.seq = entry.seq
    where entry.run_id = any (p_run_ids) and (not p_again or kept is distinct from entry)
  ) then
    raise unique_violation using message = 'an event of this number is recorded already';
  end if;
end $$;

-- Records entries of many runs: `{"runs": [{"id", "tenant_id", "attempt"}, …], "steps": …, "events": …}`. Only those of
-- runs that are running at the attempt given, whose ids come back as `held_ids`. Their rows are locked, so that whoever
-- takes a run over afterwards reads what was recorded; in the order of ids, so that nobody waits in a circle.
create function append_journal(p_entries json, out held_ids text[], out told_ids text[]) language plpgsql as $$
begin
  held_ids := array(
    select runs.id
    from json_to_recordset(p_entries -> 'runs') as asked (id text, tenant_id text, attempt integer)
    join runs on runs.id = asked.id
    where runs.tenant_id = asked.tenant_id and runs.attempt = asked.attempt and runs.status = 'running'
    order by runs.id
    for share of runs
  );
  told_ids := record_entries(held_ids, p_entries, true);
end $$;

-- What a run that ended leaves in its session: its items and its share of the sums; and releases it.
create function leave_session(p_run runs, p_items text[]) returns void language plpgsql as $$
declare
  next_seq_after bigint;
begin
  update sessions
  set next_seq = next_seq + cardinality(p_items), updated_at_ms = p_run.finished_at_ms,
    last_agent = coalesce(p_run.last_agent, last_agent), active_run_id = nullif(active_run_id, p_run.id),
    requests = requests + p_run.requests, input_tokens = input_tokens + p_run.input_tokens,
    cached_input_tokens = cached_input_tokens + p_run.cached_input_tokens,
    output_tokens = output_tokens + p_run.output_tokens, reasoning_tokens = reasoning_tokens + p_run.reasoning_tokens,
    total_tokens = total_tokens + p_run.total_tokens,
    cost_usd = case when p_run.cost_usd is null then cost_usd else coalesce(cost_usd, 0) + p_run.cost_usd end
  where tenant_id = p_run.tenant_id and id = p_run.session_id
  returning next_seq into next_seq_after;
  insert into session_items (tenant_id, session_id, seq, run_id, created_at_ms, item)
  select p_run.tenant_id, p_run.session_id, next_seq_after - cardinality(p_items) + position - 1, p_run.id,
    p_run.finished_at_ms, item
  from unnest(p_items) with ordinality as new_items (item, position);
end $$;

-- Ends a run that no process executes any more, and writes its last event. Its row and its session's are locked. It
-- counts with what its journal knows of its use.
create function end_run(p_id text, p_status text, p_error text) returns runs language plpgsql as $$
declare
  ended runs;
begin
  update runs
  set status = p_status, error = p_error, owner_id = null, required_action = null, finished_at_ms = now_ms(),
    requests = coalesce(used.requests, runs.requests), input_tokens = coalesce(used.input_tokens, runs.input_tokens),
    cached_input_tokens = coalesce(used.cached_input_tokens, runs.cached_input_tokens),
    output_tokens = coalesce(used.output_tokens, runs.output_tokens),
    reasoning_tokens = coalesce(used.reasoning_tokens, runs.reasoning_tokens),
    total_tokens = coalesce(used.total_tokens, runs.total_tokens), cost_usd = coalesce(used.cost_usd, runs.cost_usd)
  from (
    select sum(requests) as requests, sum(input_tokens) as input_tokens,
      sum(cached_input_tokens) as cached_input_tokens, sum(output_tokens) as output_tokens,
      sum(reasoning_tokens) as reasoning_tokens, sum(total_tokens) as total_tokens, sum(cost_usd) as cost_usd
    from steps where run_id = p_id
  ) as used
  where id = p_id
  returning runs.* into ended;
  insert into events (run_id, seq, tenant_id, type, attempt, at_ms, data)
  select p_id, coalesce(max(seq), 1) + 1, ended.tenant_id, 'run.' || p_status, ended.attempt, ended.finished_at_ms, '{}'
  from events where run_id = p_id;
  if ended.session_id is not null then
    perform leave_session(ended, remains_of_run(ended, p_error::json ->> 'code'));
  end if;
  return ended;
end $$;

-- Creates a run. `outcome` is one of the port's; `other_id` is who stands in the way, or the run that the key found;
-- `interrupted_id` is the run whose end was asked for, and `interrupted` whether that has come.
create function create_run(
  p_id text, p_tenant_id text, p_session_id text, p_mode text, p_agent text, p_simulated boolean, p_message text,
  p_metadata text, p_timeout_ms bigint, p_priority integer, p_run_at_ms bigint, p_request_id text, p_app_version text,
  p_sdk_version text, p_owner_id text, p_if_busy text, p_start_now boolean, p_key text, p_fingerprint text,
  p_key_ttl_ms bigint, p_cancelled text,
  out outcome text, out other_id text, out at_ms bigint, out seq_at_start bigint, out claimable boolean,
  out interrupted_id text, out interrupted boolean
) language plpgsql as $$
declare
  known idempotency_keys;
  held sessions;
  holder_status text;
  due boolean := p_run_at_ms is null or p_run_at_ms <= now_ms();
  starts boolean;
  rank integer := 0;
begin
  if p_key is not null then
    -- Whoever comes with the same key waits until the first has committed, and then finds its run.
    perform pg_advisory_xact_lock(7031003, hashtext(p_tenant_id || ' ' || p_key));
    select idempotency_keys.* into known from idempotency_keys join runs on runs.id = idempotency_keys.run_id
    where idempotency_keys.tenant_id = p_tenant_id and key = p_key and expires_at_ms > now_ms();
    if found then
      outcome := case when known.fingerprint = p_fingerprint then 'existing' else 'key_reused' end;
      other_id := known.run_id;
      return;
    end if;
  end if;

  if p_session_id is not null then
    held := lock_session(p_tenant_id, p_session_id);
  end if;
  if p_session_id is not null and p_if_busy <> 'interrupt' then
    other_id := coalesce(held.active_run_id, next_in_line(p_tenant_id, p_session_id));
    if p_if_busy = 'reject' and other_id is not null or exists (
      select from runs where id = held.active_run_id and status = 'requires_action' -- nobody waits for a person
    ) then
      outcome := 'busy';
      return;
    end if;
  elsif p_session_id is not null then
    select status into holder_status from runs where id = held.active_run_id for update;
    rank := (
      select least(min(line_rank), 0) - 1 from runs
      where tenant_id = p_tenant_id and session_id = p_session_id and status = 'queued'
    );
    interrupted_id := held.active_run_id;
    interrupted := holder_status <> 'running';
    if interrupted then
      perform end_run(interrupted_id, 'cancelled', p_cancelled);
      held.active_run_id := null;
    elsif interrupted_id is not null then
      update runs set cancel_requested_at_ms = coalesce(cancel_requested_at_ms, now_ms()) where id = interrupted_id;
      other_id := interrupted_id;
    end if;
  end if;

  starts := p_start_now and due and other_id is null;
  outcome := case when starts then 'started' else 'queued' end;
  claimable := not starts and due and held.active_run_id is null;
  at_ms := case when held.runs_count = 0 then held.created_at_ms else now_ms() end;
  seq_at_start := case when starts then held.next_seq - 1 end;
  insert into runs (
    id, tenant_id, session_id, status, mode, agent, simulated, message, metadata, attempt, owner_id, timeout_ms,
    priority, run_at_ms, line_rank, deadline_at_ms, session_seq_at_start, request_id, app_version, sdk_version,
    created_at_ms, started_at_ms
  ) values (
    p_id, p_tenant_id, p_session_id, case when starts then 'running' else 'queued' end, p_mode, p_agent, p_simulated,
    p_message, p_metadata, case when starts then 1 else 0 end, case when starts then p_owner_id end, p_timeout_ms,
    p_priority, p_run_at_ms, rank, case when starts or p_mode <> 'background' then steady_ms() + p_timeout_ms end,
    seq_at_start, p_request_id, p_app_version, p_sdk_version, at_ms, case when starts then at_ms end
  );
  if p_session_id is not null then
    update sessions
    set runs_count = runs_count + 1, updated_at_ms = at_ms,
      active_run_id = case when starts then p_id else active_run_id end
    where tenant_id = p_tenant_id and id = p_session_id;
  end if;
  if p_key is not null then
    insert into idempotency_keys (tenant_id, key, fingerprint, run_id, created_at_ms, expires_at_ms)
    values (p_tenant_id, p_key, p_fingerprint, p_id, at_ms, at_ms + p_key_ttl_ms)
    on conflict (tenant_id, key) do update set -- it has expired
      fingerprint = excluded.fingerprint, run_id = excluded.run_id, created_at_ms = excluded.created_at_ms,
      expires_at_ms = excluded.expires_at_ms;
  end if;
end $$;

-- Ends a run at its attempt, with the rest of its journal, its items and its session; no row if the run had ended or
-- another attempt has taken over, or will: a run that is queued again belongs to the next attempt already.
create function finish_run(
  p_tenant_id text, p_id text, p_attempt integer, p_status text, p_last_agent text, p_model text, p_response text,
  p_output text, p_requests bigint, p_input_tokens bigint, p_cached_input_tokens bigint, p_output_tokens bigint,
  p_reasoning_tokens bigint, p_total_tokens bigint, p_cost_usd double precision, p_error text, p_drift boolean,
  p_first_token_ms bigint, p_items text[], p_entries json
) returns setof runs language plpgsql as $$
declare
  its_session_id text;
  ended runs;
begin
  select session_id into its_session_id from runs
  where id = p_id and tenant_id = p_tenant_id and attempt = p_attempt
    and (status in ('running', 'requires_action') or status = 'queued' and attempt = 0);
  if not found then
    return;
  end if;
  if its_session_id is not null then
    perform from sessions where tenant_id = p_tenant_id and id = its_session_id for update;
  end if;

  update runs
  set status = p_status, owner_id = null, last_agent = p_last_agent, model = p_model, response = p_response,
    output = p_output, requests = p_requests, input_tokens = p_input_tokens,
    cached_input_tokens = p_cached_input_tokens, output_tokens = p_output_tokens,
    reasoning_tokens = p_reasoning_tokens, total_tokens = p_total_tokens, cost_usd = p_cost_usd, error = p_error,
    drift = p_drift, first_token_ms = p_first_token_ms, required_action = null, finished_at_ms = now_ms()
  where id = p_id and tenant_id = p_tenant_id and attempt = p_attempt
    and (status in ('running', 'requires_action') or status = 'queued' and attempt = 0)
  returning * into ended;
  if not found then
    return;
  end if;
  perform record_entries(array[p_id], p_entries, true);
  if its_session_id is not null then
    perform leave_session(ended, p_items);
  end if;
  return next ended;
end $$;

-- Asks for the end of a run, which comes at once if no process executes it.
create function request_cancel(p_tenant_id text, p_id text, p_error text) returns setof runs language plpgsql as $$
declare
  asked runs := lock_run(p_tenant_id, p_id);
begin
  if asked.status in ('queued', 'requires_action') then
    asked := end_run(p_id, 'cancelled', p_error);
  elsif asked.status = 'running' then
    update runs set cancel_requested_at_ms = coalesce(cancel_requested_at_ms, now_ms()) where id = p_id;
  end if;
  if asked.id is not null then
    return next asked;
  end if;
end $$;

-- Gives a run back at its attempt; one whose end was asked for has come to it. No row if nothing was written.
create function hand_back_run(p_tenant_id text, p_id text, p_attempt integer, p_entries json, p_cancelled text)
returns setof runs language plpgsql as $$
declare
  returned runs := lock_run(p_tenant_id, p_id);
begin
  if returned.status is distinct from 'running' or returned.attempt <> p_attempt then
    return;
  end if;
  perform record_entries(array[p_id], p_entries, true);
  if returned.cancel_requested_at_ms is not null then
    return next end_run(p_id, 'cancelled', p_cancelled);
    return;
  end if;
  return query
    update runs set status = 'queued', owner_id = null, clock_stopped_at_ms = steady_ms() where id = p_id returning *;
end $$;

-- Stops a run at its attempt until a person has decided; one whose end was asked for has come to it. No row if nothing
-- was written.
create function pause_run(
  p_tenant_id text, p_id text, p_attempt integer, p_required_action text, p_last_agent text, p_model text,
  p_requests bigint, p_input_tokens bigint, p_cached_input_tokens bigint, p_output_tokens bigint,
  p_reasoning_tokens bigint, p_total_tokens bigint, p_cost_usd double precision, p_drift boolean,
  p_first_token_ms bigint, p_entries json, p_cancelled text
) returns setof runs language plpgsql as $$
declare
  paused runs := lock_run(p_tenant_id, p_id);
begin
  if paused.status is distinct from 'running' or paused.attempt <> p_attempt then
    return;
  end if;
  perform record_entries(array[p_id], p_entries, true);
  update runs
  set status = 'requires_action', owner_id = null, clock_stopped_at_ms = steady_ms(),
    required_action = p_required_action, last_agent = p_last_agent, model = p_model, requests = p_requests,
    input_tokens = p_input_tokens, cached_input_tokens = p_cached_input_tokens, output_tokens = p_output_tokens,
    reasoning_tokens = p_reasoning_tokens, total_tokens = p_total_tokens, cost_usd = p_cost_usd, drift = p_drift,
    first_token_ms = p_first_token_ms
  where id = p_id
  returning * into paused;
  if paused.cancel_requested_at_ms is not null then
    paused := end_run(p_id, 'cancelled', p_cancelled);
  end if;
  return next paused;
end $$;

-- Records decisions on a run that waits for exactly what was expected; with nothing left to decide it is queued. It
-- keeps its session, so no lock of that is needed. No row if nothing was written.
create function settle_run(p_tenant_id text, p_id text, p_expected text, p_left text, p_entries json)
returns setof runs language plpgsql as $$
begin
  perform from runs
  where id = p_id and tenant_id = p_tenant_id and status = 'requires_action'
    and required_action is not distinct from p_expected
  for update;
  if not found then
    return;
  end if;
  perform record_entries(array[p_id], p_entries, false);
  return query
    update runs
    set required_action = p_left, status = case when p_left is null then 'queued' else status end
    where id = p_id returning *;
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
  holder_id := coalesce(active_id, (
    select id from runs where tenant_id = p_tenant_id and session_id = p_id and status = 'queued'
    order by line_rank, arrival limit 1 -- those whose time has not come too
  ));
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
