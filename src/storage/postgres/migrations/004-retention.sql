-- What has had its time is removed in batches, each a transaction of its own. A batch locks finished runs, which nobody
-- writes to, and passes over those that others have locked; before it touches what belongs to a run it holds the run's
-- row, and it never waits for a session. So nobody waits for a batch, and batches of several processes share the work.

create index runs_by_end on runs (finished_at_ms) where finished_at_ms is not null;
create index idempotency_keys_of_run on idempotency_keys (run_id);

-- Runs of deleted sessions that are still to be removed. By their ids, since a session of the same name may be there
-- again, with runs that stay.
create table doomed_runs (
  run_id text collate "C" primary key,
  tenant_id text collate "C" not null,
  session_id text collate "C" not null
);

create index doomed_runs_of_session on doomed_runs (tenant_id, session_id, run_id);

-- Removes runs, whose rows are locked, with all that belongs to them.
create function remove_runs(p_ids text[]) returns integer language plpgsql as $$
declare
  count integer;
begin
  delete from events where run_id = any (p_ids);
  delete from steps where run_id = any (p_ids);
  delete from idempotency_keys where run_id = any (p_ids);
  delete from runs where id = any (p_ids);
  get diagnostics count = row_count;
  return count;
end $$;

-- Removes runs that ended more than so long ago: at most so many, and no more once they have about so many rows.
create function prune_runs(
  p_older_than_ms bigint, p_limit integer, p_rows_max bigint, out removed integer, out more boolean
) language plpgsql as $$
declare
  ended_before_ms bigint := now_ms() - p_older_than_ms;
  candidate record;
  ids text[] := '{}';
  rows_count bigint := 0;
begin
  for candidate in
    select id from runs where finished_at_ms < ended_before_ms
    order by finished_at_ms limit p_limit for update skip locked
  loop
    ids := ids || candidate.id;
    -- Both count from 1 without gaps, so their last number says how many there are.
    rows_count := rows_count
      + coalesce((select max(seq) from events where run_id = candidate.id), 0)
      + coalesce((select max(step) from steps where run_id = candidate.id), 0);
    exit when rows_count >= p_rows_max;
  end loop;
  removed := remove_runs(ids);
  more := cardinality(ids) = p_limit or rows_count >= p_rows_max;
end $$;

-- Removes idempotency keys that have expired, at most so many.
create function prune_keys(p_limit integer, out removed integer, out more boolean) language plpgsql as $$
declare
  at_ms bigint := now_ms();
begin
  delete from idempotency_keys where ctid = any (array(
    select ctid from idempotency_keys where expires_at_ms <= at_ms
    order by expires_at_ms limit p_limit for update skip locked
  ));
  get diagnostics removed = row_count;
  more := removed = p_limit;
end $$;

-- Removes runs of a deleted session, or with null of any, at most so many. For one session whoever else removes its runs
-- is waited for: nothing is left when there is no more. Rows are locked in one order, first these and then the runs.
create function prune_deleted(
  p_tenant_id text, p_session_id text, p_limit integer, out removed integer, out more boolean
) language plpgsql as $$
declare
  ids text[];
begin
  if p_session_id is null then
    ids := array(select run_id from doomed_runs order by run_id limit p_limit for update skip locked);
  else
    ids := array(
      select run_id from doomed_runs where tenant_id = p_tenant_id and session_id = p_session_id
      order by run_id limit p_limit for update
    );
  end if;
  perform from runs where id = any (ids) order by id for update;
  removed := remove_runs(ids);
  delete from doomed_runs where run_id = any (ids);
  more := cardinality(ids) = p_limit;
end $$;

-- Deletes a session and its items, and dooms its runs, all of which have ended. `outcome` is `deleted`, `not_found` or
-- `busy`, then with who holds it or waits.
create or replace function delete_session(p_tenant_id text, p_id text, out outcome text, out holder_id text)
language plpgsql as $$
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
    insert into doomed_runs (tenant_id, session_id, run_id)
    select p_tenant_id, p_id, id from runs where tenant_id = p_tenant_id and session_id = p_id
    on conflict do nothing;
    delete from session_items where tenant_id = p_tenant_id and session_id = p_id;
    delete from sessions where tenant_id = p_tenant_id and id = p_id;
  end if;
end $$;
