-- Times are ms since the epoch on the database's clock. Those that say how long something lasts, leases and what a run
-- has of its time, are on the steady time instead, which does not jump when that clock is set. Opaque values, and
-- strings that users and models wrote, are JSON text, not jsonb: jsonb refuses NUL and lone surrogates, and orders keys
-- anew. Ids sort by their bytes, so that pages of lists are the same on every database, whatever its language.

create function now_ms() returns bigint language sql volatile
return floor(extract(epoch from clock_timestamp()) * 1000)::bigint;

-- One row: the steady time, and when by the clock it was that. Rewritten with the heartbeats of all processes.
create table steady_time (
  only_row boolean primary key default true check (only_row),
  steady_at_ms bigint not null,
  seen_at_ms bigint not null
) with (fillfactor = 10);

insert into steady_time (steady_at_ms, seen_at_ms) values (now_ms(), now_ms());

-- The steady time goes on as the clock does, but by at most a second between two looks at the clock. Live processes look
-- more often than that. So it stands still while nobody lives or can reach the database, and a clock that is set forward
-- or back moves it by less than a second. See docs/decisions/0006-steady-time.md.
create function steady_ms() returns bigint language sql volatile
begin atomic
  select steady_at_ms + least(greatest(now_ms() - seen_at_ms, 0), 1000) from steady_time;
end;

-- Looks at the clock; unless somebody else does at this moment, or has done so just now.
create function tick_steady_time() returns void language plpgsql as $$
begin
  perform from steady_time where now_ms() - seen_at_ms not between 0 and 200 for update skip locked;
  if found then
    update steady_time set steady_at_ms = steady_ms(), seen_at_ms = now_ms();
  end if;
end $$;

create table tenants (
  id text collate "C" primary key,
  name text not null,
  created_at_ms bigint not null
);

insert into tenants (id, name, created_at_ms) values ('default', 'Default', now_ms());

create table api_keys (
  id text collate "C" primary key,
  tenant_id text collate "C" not null references tenants (id),
  name text not null,
  hash text not null unique,
  prefix text not null,
  scopes text not null,
  created_at_ms bigint not null,
  expires_at_ms bigint,
  revoked_at_ms bigint,
  last_used_at_ms bigint
);

create index api_keys_of_tenant on api_keys (tenant_id, id);

-- Each heartbeat rewrites a row; the room left in its page keeps the table as small as it is.
create table processes (
  id text collate "C" primary key,
  host text not null,
  pid integer not null,
  app_version text not null,
  sdk_version text not null,
  registered_at_ms bigint not null,
  -- On the steady time.
  lease_expires_at_ms bigint not null,
  -- The advisory lock that the process holds on a connection of its own while it lives; null while it holds none.
  lock_key bigint
) with (fillfactor = 50);

create table sessions (
  tenant_id text collate "C" not null,
  id text collate "C" not null,
  created_at_ms bigint not null,
  updated_at_ms bigint not null,
  -- The number that the next item gets; items are numbered from 1.
  next_seq bigint not null default 1,
  runs_count bigint not null default 0,
  last_agent text,
  active_run_id text collate "C",
  requests bigint not null default 0,
  input_tokens bigint not null default 0,
  cached_input_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  reasoning_tokens bigint not null default 0,
  total_tokens bigint not null default 0,
  cost_usd double precision,
  primary key (tenant_id, id)
) with (fillfactor = 85);

create index sessions_by_change on sessions (tenant_id, updated_at_ms desc, id desc);

-- Rows that are written with each run have no foreign keys: the functions that write them hold the session's row.
create table session_items (
  tenant_id text collate "C" not null,
  session_id text collate "C" not null,
  seq bigint not null check (seq >= 1),
  run_id text collate "C" not null,
  created_at_ms bigint not null,
  item text not null,
  primary key (tenant_id, session_id, seq)
);

-- The run is the job. A row is written when a run is made and when it ends, and some more often; what is dead is
-- cleared away early, since the indexes of waiting and unfinished runs are read all the time.
create table runs (
  id text collate "C" primary key,
  -- The order of arrival. Assigned while the session's row is locked, so it is the order within a session.
  arrival bigint generated always as identity,
  tenant_id text collate "C" not null,
  session_id text collate "C",
  status text not null check (
    status in ('queued', 'running', 'requires_action', 'completed', 'failed', 'cancelled', 'timed_out')
  ),
  mode text not null check (mode in ('blocking', 'stream', 'background')),
  agent text not null,
  last_agent text,
  model text,
  simulated boolean not null,
  message text not null,
  metadata text not null,
  response text,
  output text,
  requests bigint not null default 0,
  input_tokens bigint not null default 0,
  cached_input_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  reasoning_tokens bigint not null default 0,
  total_tokens bigint not null default 0,
  cost_usd double precision,
  error text,
  required_action text,
  drift boolean not null default false,
  attempt integer not null check (attempt >= 0),
  crashes integer not null default 0 check (crashes >= 0),
  -- Crashes with as many steps completed as at the crash before; three of them poison the run.
  crashes_without_step integer not null default 0 check (crashes_without_step >= 0),
  steps_at_crash integer not null default 0 check (steps_at_crash >= 0),
  owner_id text collate "C",
  priority integer not null default 0,
  -- The place in the line of the session, before the order of arrival; below 0 for a run that interrupts.
  line_rank integer not null default 0,
  timeout_ms bigint not null,
  session_seq_at_start bigint,
  request_id text not null,
  traceparent text,
  webhook text,
  app_version text not null,
  sdk_version text not null,
  first_token_ms bigint,
  created_at_ms bigint not null,
  -- Not to be started before this time; null for at once.
  run_at_ms bigint,
  -- When the run's time is over, on the steady time; null before a run in the background is claimed.
  deadline_at_ms bigint,
  -- Since when, on the steady time, the run's time stands still, until it is claimed; then the deadline is put off by as
  -- much.
  clock_stopped_at_ms bigint,
  cancel_requested_at_ms bigint,
  started_at_ms bigint,
  finished_at_ms bigint,
  check ((finished_at_ms is not null) = (status in ('completed', 'failed', 'cancelled', 'timed_out'))),
  check ((owner_id is not null) = (status = 'running')),
  check (status <> 'running' or (attempt >= 1 and deadline_at_ms is not null and started_at_ms is not null))
) with (
  fillfactor = 70,
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.02
);

-- At most one run holds a session at a time, whatever the code does.
create unique index runs_holding on runs (tenant_id, session_id)
where session_id is not null and status in ('running', 'requires_action');

-- Unfinished runs, in indexes that stay small: by their session's line, by their process, and those paused.
create index runs_waiting on runs (tenant_id, session_id, line_rank, arrival) where status = 'queued';
create index runs_owned on runs (owner_id) where status = 'running';
create index runs_paused on runs (id) where status = 'requires_action';

-- What a claim looks at, so that it finds the next run of each kind without passing over those of another kind that it
-- may not take, or whose time has not come.
create index runs_claimable on runs (priority desc, arrival)
where status = 'queued' and mode <> 'background' and crashes = 0;
create index runs_claimable_background on runs (priority desc, arrival)
where status = 'queued' and mode = 'background' and crashes = 0 and run_at_ms is null;
create index runs_claimable_scheduled on runs (run_at_ms)
where status = 'queued' and mode = 'background' and crashes = 0 and run_at_ms is not null;
create index runs_claimable_crashed on runs (priority desc, arrival)
where status = 'queued' and crashes > 0;

-- Lists are ordered by creation, then by id; an index for each way to filter them ends in that order. Most runs are
-- completed, and the list of all runs finds them as well.
create index runs_by_time on runs (tenant_id, created_at_ms, id);
create index runs_by_session on runs (tenant_id, session_id, created_at_ms, id) where session_id is not null;
create index runs_by_status on runs (tenant_id, status, created_at_ms, id) where status <> 'completed';
create index runs_by_agent on runs (tenant_id, agent, created_at_ms, id);

-- Names that models and providers gave are as they are, or JSON text where they cannot be.
create table steps (
  run_id text collate "C" not null,
  step integer not null check (step >= 1),
  tenant_id text collate "C" not null,
  -- What identifies the step when the run is executed again.
  key text collate "C" not null,
  kind text not null check (kind in ('model_call', 'tool_call', 'handoff', 'approval', 'guardrail')),
  scope text not null,
  name text not null,
  agent text,
  call_id text,
  status text not null check (status in ('started', 'completed', 'failed', 'unknown')),
  attempt integer not null,
  replayed integer not null default 0,
  effect text,
  idempotency_key text,
  input text,
  output text,
  is_error boolean not null default false,
  error text,
  provider text,
  model text,
  requests bigint,
  input_tokens bigint,
  cached_input_tokens bigint,
  output_tokens bigint,
  reasoning_tokens bigint,
  total_tokens bigint,
  cost_usd double precision,
  request_digest text,
  drift boolean not null default false,
  started_at_ms bigint not null,
  first_token_ms bigint,
  duration_ms bigint,
  primary key (run_id, step),
  unique (run_id, key)
);

-- `run.created`, number 1, is not stored: it follows from the run.
create table events (
  run_id text collate "C" not null,
  seq bigint not null check (seq >= 2),
  tenant_id text collate "C" not null,
  type text not null,
  attempt integer not null,
  at_ms bigint not null,
  data text not null,
  primary key (run_id, seq)
);

create table idempotency_keys (
  tenant_id text collate "C" not null,
  key text not null,
  fingerprint text not null,
  run_id text collate "C" not null,
  created_at_ms bigint not null,
  expires_at_ms bigint not null,
  primary key (tenant_id, key)
);

create index idempotency_keys_by_expiry on idempotency_keys (expires_at_ms);

-- What a tenant used on a day (UTC, YYYY-MM-DD) of a model.
create table usage (
  tenant_id text collate "C" not null,
  day text not null,
  model text not null,
  runs bigint not null default 0,
  requests bigint not null default 0,
  input_tokens bigint not null default 0,
  cached_input_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  reasoning_tokens bigint not null default 0,
  total_tokens bigint not null default 0,
  cost_usd double precision,
  primary key (tenant_id, day, model)
);

-- GCRA: the theoretical arrival time of the next request of a caller. Unlogged: after a crash of the database everybody
-- begins with a whole burst again, and no request waits for the disk.
create unlogged table rate_limits (
  key text collate "C" primary key,
  tat_ms double precision not null
) with (fillfactor = 50);

-- What a run that no process executes leaves in its session, as `remainsOf` of the port says it. Values that are JSON
-- text already are put in as they are: they may hold what Postgres cannot decode.
create function remains_of_run(p_run runs, p_code text) returns text[] language plpgsql stable as $$
declare
  items text[];
begin
  select array_agg(item order by step, part) into items
  from steps,
    lateral (select case when left(input, 1) = '"' then input else to_json(input)::text end) as i (arguments),
    lateral (select case when left(output, 1) = '"' then output else to_json(coalesce(output, 'null'))::text end) as o (result),
    lateral (values
      (1, format('{"type":"function_call","callId":%s,"name":%s,"arguments":%s,"status":"completed"}',
        to_json(call_id), to_json(name), arguments)),
      (2, format('{"type":"function_call_result","callId":%s,"name":%s,"status":"completed","output":{"type":"text","text":%s}}',
        to_json(call_id), to_json(name), result))
    ) as parts (part, item)
  where run_id = p_run.id and kind = 'tool_call' and status = 'completed' and effect <> 'read'
    and not exists ( -- inside of another call, whose result tells of it
      select from steps as around
      where around.run_id = p_run.id and around.kind = 'tool_call' and around.status = 'completed'
        and around.effect <> 'read'
        and starts_with(steps.scope || '/', '/' || substr(around.key, 3) || '/')
    );
  if items is null then
    return '{}';
  end if;
  return format('{"type":"message","role":"user","content":%s}', p_run.message)
    || items
    || format('{"type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":%s}]}',
      to_json('[This turn ended early (' || p_code || '). The tool calls above were carried out; no answer was given.]'));
end $$;
