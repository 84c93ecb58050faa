-- Until when a run waits for a person, on the clock; only where it stands at `requires_action`.
alter table runs add column action_expires_at_ms bigint;

create index runs_by_action_expiry on runs (action_expires_at_ms) where status = 'requires_action';

-- As before, but with a text for its body, which is read anew whenever `runs` gets a column.
create or replace function eligible_runs(p_at_ms bigint) returns setof runs language sql stable as $$
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
  )
$$;

-- Stops a run as the function without `p_expires_in_ms` does, and notes until when it waits.
create function pause_run(
  p_tenant_id text, p_id text, p_attempt integer, p_required_action text, p_last_agent text, p_model text,
  p_requests bigint, p_input_tokens bigint, p_cached_input_tokens bigint, p_output_tokens bigint,
  p_reasoning_tokens bigint, p_total_tokens bigint, p_cost_usd double precision, p_drift boolean,
  p_first_token_ms bigint, p_entries json, p_cancelled text, p_expires_in_ms bigint
) returns setof runs language plpgsql as $$
declare
  paused runs;
begin
  select * into paused from pause_run(
    p_tenant_id, p_id, p_attempt, p_required_action, p_last_agent, p_model, p_requests, p_input_tokens,
    p_cached_input_tokens, p_output_tokens, p_reasoning_tokens, p_total_tokens, p_cost_usd, p_drift, p_first_token_ms,
    p_entries, p_cancelled
  );
  if paused.status = 'requires_action' then
    update runs set action_expires_at_ms = now_ms() + p_expires_in_ms where id = p_id returning * into paused;
  end if;
  if paused.id is not null then
    return next paused;
  end if;
end $$;

-- Ends one run for which nobody decided in time; no row if there is none. One at a time: whoever locks a session and its
-- run, as this does, must not hold another pair.
create function expire_action(p_error text) returns setof runs language plpgsql as $$
declare
  candidate record;
  locked runs;
begin
  select tenant_id, id into candidate from runs
  where status = 'requires_action' and action_expires_at_ms <= now_ms()
  order by action_expires_at_ms limit 1;
  if not found then
    return;
  end if;
  locked := lock_run(candidate.tenant_id, candidate.id);
  -- Somebody may have decided in the meantime.
  if locked.status = 'requires_action' and locked.action_expires_at_ms <= now_ms() then
    return next end_run(locked.id, 'failed', p_error);
  end if;
end $$;
