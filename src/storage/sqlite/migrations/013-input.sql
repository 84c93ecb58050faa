-- Works from: 4
-- Inputs that are more than text, and histories that are imported. `runs.message` holds JSON: a string where the input is
-- one text, else the list of its items. An item of an imported history has '' as `session_items.run_id`.

-- The large data of an input, beside the run, so that what reads runs does not read it. `marker` is the JSON string that
-- stands for it in `runs.message`.
create table run_input_data (
  run_id text not null references runs (id) on delete cascade,
  tenant_id text not null,
  n integer not null check (n >= 1),
  marker text not null,
  data text not null,
  primary key (run_id, n)
) strict;

-- The keys of requests that imported a history.
create table session_imports (
  tenant_id text not null,
  session_id text not null,
  key text not null,
  fingerprint text not null,
  primary key (tenant_id, session_id, key),
  foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade
) strict, without rowid;
