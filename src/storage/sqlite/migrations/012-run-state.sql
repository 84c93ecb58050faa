-- Works from: 4
-- What runs have besides their answer: options of the request, citations and files, and the state of their context.

-- Options of the request, citations and files of the answer: JSON, each null where there are none.
alter table runs add column options text;
alter table runs add column annotations text;
alter table runs add column files text;

-- The run context that the next run of the session begins with (JSON), and the run that left it.
alter table sessions add column context text;
alter table sessions add column context_run_id text;

-- As before, with one kind more and with `changes`. A check cannot be altered, thus the table is made anew.
create table steps_with_changes (
  run_id text not null references runs (id) on delete cascade,
  step integer not null check (step >= 1),
  tenant_id text not null,
  -- What identifies the step when the run is executed again.
  key text not null,
  kind text not null check (kind in ('model_call', 'tool_call', 'handoff', 'approval', 'guardrail', 'step')),
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
  -- What the code of the application changed beside the step: its run context, and the hooks that were called. JSON.
  changes text,
  primary key (run_id, step),
  unique (run_id, key)
) strict;
insert into steps_with_changes select steps.*, null from steps;
drop table steps;
alter table steps_with_changes rename to steps;
