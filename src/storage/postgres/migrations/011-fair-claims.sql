-- Works from: 6
-- Runs whose callers waited before there was a row.

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
