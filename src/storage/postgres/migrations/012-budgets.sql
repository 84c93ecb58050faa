-- Works from: 6
-- Budgets: what tenants may spend, what was spent, and what calls under way have reserved. And costs that are whole.
alter table tenants
  add column budget_usd_day double precision check (budget_usd_day >= 0),
  add column budget_tokens_day bigint check (budget_tokens_day >= 0),
  add column budget_usd_month double precision check (budget_usd_month >= 0),
  add column budget_tokens_month bigint check (budget_tokens_month >= 0);

-- The key whose budgets a run uses; null for a run of none.
alter table runs add column budget_key_id text collate "C";

-- Of its own, so that a run without such a key is made as before.
create function set_budget_key(p_run_id text, p_key_id text) returns boolean language plpgsql as $$
begin
  update runs set budget_key_id = p_key_id where id = p_run_id;
  return found;
end $$;

-- What one tenant or key has used of one period. Money in nanodollars: sums of whole numbers are exact.
create table budget_accounts (
  id text collate "C" primary key,
  tenant_id text collate "C" not null,
  -- When the period is over.
  ends_at_ms bigint not null,
  used_tokens bigint not null default 0,
  used_nano_usd bigint not null default 0,
  reserved_tokens bigint not null default 0,
  reserved_nano_usd bigint not null default 0
) with (fillfactor = 50);
create index budget_accounts_over on budget_accounts (ends_at_ms);

-- What a model call under way has reserved, in each of the accounts.
create table budget_holds (
  id text collate "C" primary key,
  tenant_id text collate "C" not null,
  run_id text collate "C" not null,
  step_key text not null,
  attempt integer not null,
  process_id text collate "C" not null,
  account_ids text[] collate "C" not null,
  tokens bigint not null,
  nano_usd bigint not null
);
create index budget_holds_of_process on budget_holds (process_id);

-- Reserves for a call in all accounts, or in none if one of them would have more than its limit. `p_accounts`: JSON of
-- `{id, ends_at_ms, tokens_max, nano_usd_max}`, null for no limit. Returns the accounts as they are then. A call that
-- takes nothing of a kind is not held up by a limit on it.
create function reserve_budget(
  p_id text, p_tenant_id text, p_run_id text, p_step_key text, p_attempt integer, p_process_id text, p_tokens bigint,
  p_nano_usd bigint, p_accounts json
) returns table (reserved boolean, account budget_accounts) language plpgsql as $$
declare
  asked_ids text[] := array(select id from json_to_recordset(p_accounts) as asked (id text));
  known constant boolean := exists (select from budget_holds where id = p_id); -- its answer was lost
begin
  insert into budget_accounts (id, tenant_id, ends_at_ms)
    select id, p_tenant_id, ends_at_ms from json_to_recordset(p_accounts) as asked (id text, ends_at_ms bigint) order by id
    on conflict do nothing;
  -- In the same order by all. Whoever waited here sees below what the others have reserved.
  perform from budget_accounts where id = any (asked_ids) order by id for update;
  reserved := known or not exists (
    select from budget_accounts as kept
    join json_to_recordset(p_accounts) as asked (id text, tokens_max bigint, nano_usd_max bigint) using (id)
    where p_tokens > 0 and used_tokens + reserved_tokens + p_tokens > tokens_max
      or p_nano_usd > 0 and used_nano_usd + reserved_nano_usd + p_nano_usd > nano_usd_max
  );
  if reserved and not known then
    update budget_accounts
    set reserved_tokens = reserved_tokens + p_tokens, reserved_nano_usd = reserved_nano_usd + p_nano_usd
    where id = any (asked_ids);
    insert into budget_holds (id, tenant_id, run_id, step_key, attempt, process_id, account_ids, tokens, nano_usd)
    values (p_id, p_tenant_id, p_run_id, p_step_key, p_attempt, p_process_id, asked_ids, p_tokens, p_nano_usd);
  end if;
  return query select reserved, kept from budget_accounts as kept where id = any (asked_ids);
end $$;

-- Books what a call has used in place of what it had reserved. Returns the accounts as they are then; none if the call
-- was settled before.
create function settle_budget(p_id text, p_tokens bigint, p_nano_usd bigint) returns setof budget_accounts
language plpgsql as $$
declare
  hold budget_holds;
begin
  delete from budget_holds where id = p_id returning * into hold;
  if not found then
    return;
  end if;
  perform from budget_accounts where id = any (hold.account_ids) order by id for update;
  return query
    update budget_accounts
    set reserved_tokens = reserved_tokens - hold.tokens, reserved_nano_usd = reserved_nano_usd - hold.nano_usd,
      used_tokens = used_tokens + p_tokens, used_nano_usd = used_nano_usd + p_nano_usd
    where budget_accounts.id = any (hold.account_ids)
    returning *;
end $$;

-- Settles calls of processes that are dead: by what the journal has of them, with nothing where it has nothing, and with
-- the money that was reserved where it has an answer whose cost is not known.
create function settle_abandoned_budgets(p_limit integer) returns integer language plpgsql as $$
declare
  hold record;
  settled integer := 0;
begin
  for hold in
    select holds.id, coalesce(steps.total_tokens, 0) as tokens,
      case when steps.run_id is null then 0 else coalesce(round(steps.cost_usd * 1e9)::bigint, holds.nano_usd) end as nano_usd
    from budget_holds as holds
    left join steps on steps.run_id = holds.run_id and steps.key = holds.step_key and steps.attempt = holds.attempt
      and steps.kind = 'model_call' and steps.status = 'completed'
    where not exists (
      select from processes where processes.id = holds.process_id and lease_expires_at_ms > steady_ms()
    )
    order by holds.id limit p_limit for update of holds skip locked
  loop
    perform settle_budget(hold.id, hold.tokens, hold.nano_usd);
    settled := settled + 1;
  end loop;
  return settled;
end $$;

-- As before, but that a run has no cost if that of one of its model calls is not known: a part of it would mislead.
create or replace function end_run(p_id text, p_status text, p_error text) returns runs language plpgsql as $$
declare
  ended runs;
begin
  update runs
  set status = p_status, error = p_error, owner_id = null, required_action = null, finished_at_ms = now_ms(),
    requests = coalesce(used.requests, runs.requests), input_tokens = coalesce(used.input_tokens, runs.input_tokens),
    cached_input_tokens = coalesce(used.cached_input_tokens, runs.cached_input_tokens),
    output_tokens = coalesce(used.output_tokens, runs.output_tokens),
    reasoning_tokens = coalesce(used.reasoning_tokens, runs.reasoning_tokens),
    total_tokens = coalesce(used.total_tokens, runs.total_tokens),
    cost_usd = case when used.calls > 0 then used.cost_usd else runs.cost_usd end
  from (
    select sum(requests) as requests, sum(input_tokens) as input_tokens,
      sum(cached_input_tokens) as cached_input_tokens, sum(output_tokens) as output_tokens,
      sum(reasoning_tokens) as reasoning_tokens, sum(total_tokens) as total_tokens,
      count(requests) as calls, case when count(requests) = count(cost_usd) then sum(cost_usd) end as cost_usd
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
