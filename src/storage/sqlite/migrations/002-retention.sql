-- What has had its time is found by when it ended, and an idempotency key by its run.
create index runs_by_end on runs (finished_at_ms) where finished_at_ms is not null;
create index idempotency_keys_of_run on idempotency_keys (run_id);

-- Runs of deleted sessions that are still to be removed. By their ids, since a session of the same name may be there
-- again, with runs that stay.
create table doomed_runs (
  run_id text primary key,
  tenant_id text not null,
  session_id text not null
) strict;

create index doomed_runs_of_session on doomed_runs (tenant_id, session_id, run_id);
