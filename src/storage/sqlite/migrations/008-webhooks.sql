-- Works from: 4
-- What webhooks are to be told, written with the run's end or pause by a trigger: so no way to end a run can forget it,
-- not even one of a program that knows no webhooks, and a run without a webhook costs no statement more.
create table webhook_deliveries (
  id text primary key,
  tenant_id text not null,
  run_id text not null references runs (id) on delete cascade,
  url text not null,
  event text not null,
  -- What of the run was different then, as JSON, where it goes on; null: it has ended, and stays as it is.
  run_then text,
  status text not null default 'pending' check (status in ('pending', 'delivered', 'dead')),
  attempts integer not null default 0,
  -- Of these, how many were made before somebody asked for the delivery anew.
  attempts_before integer not null default 0,
  last_status integer,
  last_error text,
  -- During an attempt: when the process that makes it is taken for dead.
  next_attempt_at_ms integer,
  created_at_ms integer not null,
  delivered_at_ms integer,
  check ((next_attempt_at_ms is not null) = (status = 'pending')),
  check ((delivered_at_ms is not null) = (status = 'delivered'))
) strict;

create index webhook_deliveries_due on webhook_deliveries (next_attempt_at_ms) where status = 'pending';
create index webhook_deliveries_due_of_tenant on webhook_deliveries (tenant_id, next_attempt_at_ms)
where status = 'pending';
create index webhook_deliveries_dead on webhook_deliveries (tenant_id, id) where status = 'dead';
create index webhook_deliveries_of_tenant on webhook_deliveries (tenant_id, id);
create index webhook_deliveries_of_run on webhook_deliveries (run_id, id);

-- The id is `whk_` and a UUID of version 7 in base 32, as src/platform/ids.ts makes them: the time, then chance. A run
-- that is to pause although its end was asked for passes through the pause and ends at once: it tells of its end.
create trigger runs_tell_webhook after update of status on runs for each row
when new.webhook is not null and new.status <> old.status
  and (
    new.status in ('completed', 'failed', 'cancelled', 'timed_out')
    or new.status = 'requires_action' and new.cancel_requested_at_ms is null
  )
  and exists (select 1 from json_each(new.webhook, '$.events') where value = 'run.' || new.status)
begin
  insert into webhook_deliveries (id, tenant_id, run_id, url, event, run_then, next_attempt_at_ms, created_at_ms)
  select
    'whk_' || (
      select group_concat(substr('0123456789abcdefghjkmnpqrstvwxyz', 1 + case
        when place.key < 10 then (at_ms >> (45 - 5 * place.key)) & 31
        when place.key = 10 then 14 | (random() & 1) -- the version
        when place.key = 13 then 8 | (random() & 19) -- the variant
        else random() & 31
      end, 1), '' order by place.key)
      from json_each('[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]') as place
    ),
    new.tenant_id, new.id, json_extract(new.webhook, '$.url'), 'run.' || new.status,
    case when new.status = 'requires_action' then json_object(
      'status', new.status, 'last_agent', new.last_agent, 'model', new.model, 'response', null, 'output', null,
      'requests', new.requests, 'input_tokens', new.input_tokens, 'cached_input_tokens', new.cached_input_tokens,
      'output_tokens', new.output_tokens, 'reasoning_tokens', new.reasoning_tokens,
      'total_tokens', new.total_tokens, 'cost_usd', new.cost_usd, 'error', null,
      'required_action', new.required_action, 'drift', new.drift, 'attempt', new.attempt, 'crashes', new.crashes,
      'owner_id', null, 'first_token_ms', new.first_token_ms, 'finished_at_ms', null
    ) end,
    at_ms, at_ms
  from (select coalesce(new.finished_at_ms, cast(unixepoch('subsec') * 1000 as integer)) as at_ms);
end;
