-- Times are integer ms since the epoch. Opaque values, and strings that users and models wrote, are JSON text.

create table tenants (
  id text primary key,
  name text not null,
  created_at_ms integer not null
) strict;

insert into tenants (id, name, created_at_ms)
values ('default', 'Default', cast(round(unixepoch('subsec') * 1000) as integer));

create table api_keys (
  id text primary key,
  tenant_id text not null references tenants (id),
  name text not null,
  hash text not null unique,
  prefix text not null,
  scopes text not null,
  created_at_ms integer not null,
  expires_at_ms integer,
  revoked_at_ms integer,
  last_used_at_ms integer
) strict;

create index api_keys_of_tenant on api_keys (tenant_id, id);

create table processes (
  id text primary key,
  host text not null,
  pid integer not null,
  app_version text not null,
  sdk_version text not null,
  registered_at_ms integer not null,
  lease_expires_at_ms integer not null,
  -- For engines on which processes see each other's connections drop.
  lock_key integer
) strict;

create table sessions (
  tenant_id text not null,
  id text not null,
  created_at_ms integer not null,
  updated_at_ms integer not null,
  -- The number that the next item gets; items are numbered from 1.
  next_seq integer not null default 1,
  runs_count integer not null default 0,
  last_agent text,
  active_run_id text,
  requests integer not null default 0,
  input_tokens integer not null default 0,
  cached_input_tokens integer not null default 0,
  output_tokens integer not null default 0,
  reasoning_tokens integer not null default 0,
  total_tokens integer not null default 0,
  cost_usd real,
  primary key (tenant_id, id)
) strict;

create index sessions_by_change on sessions (tenant_id, updated_at_ms desc, id desc);

create table session_items (
  tenant_id text not null,
  session_id text not null,
  seq integer not null check (seq >= 1),
  run_id text not null,
  created_at_ms integer not null,
  item text not null,
  primary key (tenant_id, session_id, seq),
  foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade
) strict;

-- A run outlives its session, so session_id is not a foreign key.
create table runs (
  -- The order of arrival: one more than any before it.
  arrival integer primary key,
  id text not null unique,
  tenant_id text not null,
  session_id text,
  status text not null check (
    status in ('queued', 'running', 'requires_action', 'completed', 'failed', 'cancelled', 'timed_out')
  ),
  mode text not null check (mode in ('blocking', 'stream', 'background')),
  agent text not null,
  last_agent text,
  model text,
  simulated integer not null check (simulated in (0, 1)),
  message text not null,
  metadata text not null,
  response text,
  output text,
  requests integer not null default 0,
  input_tokens integer not null default 0,
  cached_input_tokens integer not null default 0,
  output_tokens integer not null default 0,
  reasoning_tokens integer not null default 0,
  total_tokens integer not null default 0,
  cost_usd real,
  error text,
  required_action text,
  drift integer not null default 0 check (drift in (0, 1)),
  attempt integer not null check (attempt >= 0),
  crashes integer not null default 0 check (crashes >= 0),
  -- Crashes with as many steps completed as at the crash before; three of them poison the run.
  crashes_without_step integer not null default 0 check (crashes_without_step >= 0),
  steps_at_crash integer not null default 0 check (steps_at_crash >= 0),
  owner_id text,
  priority integer not null default 0,
  -- The place in the line of the session, before the order of arrival; below 0 for a run that interrupts.
  line_rank integer not null default 0,
  timeout_ms integer not null,
  session_seq_at_start integer,
  request_id text not null,
  traceparent text,
  webhook text,
  app_version text not null,
  sdk_version text not null,
  first_token_ms integer,
  created_at_ms integer not null,
  -- Not to be started before this time; null for at once.
  run_at_ms integer,
  -- When the run's time is over; null before a run in the background is claimed.
  deadline_at_ms integer,
  -- Since when the run's time stands still, until it is claimed; then the deadline is put off by as much.
  clock_stopped_at_ms integer,
  cancel_requested_at_ms integer,
  started_at_ms integer,
  finished_at_ms integer,
  check ((finished_at_ms is not null) = (status in ('completed', 'failed', 'cancelled', 'timed_out'))),
  check ((owner_id is not null) = (status = 'running')),
  check (status <> 'running' or (attempt >= 1 and deadline_at_ms is not null and started_at_ms is not null))
) strict;

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

-- Lists are ordered by creation, then by id; an index for each way to filter them ends in that order.
create index runs_by_time on runs (tenant_id, created_at_ms, id);
create index runs_by_session on runs (tenant_id, session_id, created_at_ms, id) where session_id is not null;
create index runs_by_status on runs (tenant_id, status, created_at_ms, id);
create index runs_by_agent on runs (tenant_id, agent, created_at_ms, id);

-- Names that models and providers gave are as they are, or JSON text where they cannot be.
create table steps (
  run_id text not null references runs (id) on delete cascade,
  step integer not null check (step >= 1),
  tenant_id text not null,
  -- What identifies the step when the run is executed again.
  key text not null,
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
  is_error integer not null default 0 check (is_error in (0, 1)),
  error text,
  provider text,
  model text,
  requests integer,
  input_tokens integer,
  cached_input_tokens integer,
  output_tokens integer,
  reasoning_tokens integer,
  total_tokens integer,
  cost_usd real,
  request_digest text,
  drift integer not null default 0 check (drift in (0, 1)),
  started_at_ms integer not null,
  first_token_ms integer,
  duration_ms integer,
  primary key (run_id, step),
  unique (run_id, key)
) strict;

-- `run.created`, number 1, is not stored: it follows from the run.
create table events (
  run_id text not null references runs (id) on delete cascade,
  seq integer not null check (seq >= 2),
  tenant_id text not null,
  type text not null,
  attempt integer not null,
  at_ms integer not null,
  data text not null,
  primary key (run_id, seq)
) strict;

create table idempotency_keys (
  tenant_id text not null,
  key text not null,
  fingerprint text not null,
  run_id text not null,
  created_at_ms integer not null,
  expires_at_ms integer not null,
  primary key (tenant_id, key)
) strict;

create index idempotency_keys_by_expiry on idempotency_keys (expires_at_ms);

-- What a tenant used on a day (UTC, YYYY-MM-DD) of a model.
create table usage (
  tenant_id text not null,
  day text not null,
  model text not null,
  runs integer not null default 0,
  requests integer not null default 0,
  input_tokens integer not null default 0,
  cached_input_tokens integer not null default 0,
  output_tokens integer not null default 0,
  reasoning_tokens integer not null default 0,
  total_tokens integer not null default 0,
  cost_usd real,
  primary key (tenant_id, day, model)
) strict;

-- GCRA: the theoretical arrival time of the next request of a caller.
create table rate_limits (
  key text primary key,
  tat_ms real not null
) strict;
