-- Works from: 6
-- What runs have besides their answer: options of the request, citations and files, and the state of their context.

-- Options of the request, citations and files of the answer: JSON, each null where there are none.
alter table runs add column options text, add column annotations text, add column files text;

-- What the code of the application changed beside a step: its run context, and the hooks that were called. JSON.
alter table steps add column changes text;
alter table steps drop constraint steps_kind_check;
alter table steps add constraint steps_kind_check
  check (kind in ('model_call', 'tool_call', 'handoff', 'approval', 'guardrail', 'step')) not valid;

-- The run context that the next run of the session begins with (JSON), and the run that left it.
alter table sessions add column context text, add column context_run_id text collate "C";

-- As before, with `changes`: a process of an older version writes none, and does not erase those that are recorded.
create or replace function record_entries(p_run_ids text[], p_entries json, p_again boolean, out told_ids text[])
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
    first_token_ms = excluded.first_token_ms, duration_ms = excluded.duration_ms,
    changes = coalesce(excluded.changes, steps.changes);

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

-- Of its own, so that a run without options is created as before.
create function set_run_options(p_run_id text, p_options text) returns boolean language plpgsql as $$
begin
  update runs set options = p_options where id = p_run_id;
  return found;
end $$;

-- Stores what a run that has ended gave besides its text. Of its own, so that other runs end as before.
create function set_run_extras(
  p_run_id text, p_annotations text, p_files text, p_session_context text
) returns boolean language plpgsql as $$
declare
  ended runs;
begin
  update runs set annotations = p_annotations, files = p_files where id = p_run_id returning * into ended;
  if p_session_context is not null and ended.session_id is not null then
    update sessions set context = p_session_context, context_run_id = p_run_id
    where tenant_id = ended.tenant_id and id = ended.session_id;
  end if;
  return true;
end $$;
