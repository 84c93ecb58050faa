-- Works from: 6
-- What webhooks are to be told, written with the run's end or pause by a trigger: so no way to end a run can forget it,
-- not even one of a program that knows no webhooks, and a run without a webhook costs no statement more.
create table webhook_deliveries (
  id text collate "C" primary key,
  tenant_id text collate "C" not null,
  run_id text collate "C" not null,
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
  next_attempt_at_ms bigint,
  created_at_ms bigint not null,
  delivered_at_ms bigint,
  check ((next_attempt_at_ms is not null) = (status = 'pending')),
  check ((delivered_at_ms is not null) = (status = 'delivered'))
) with (fillfactor = 85);

create index webhook_deliveries_due on webhook_deliveries (tenant_id, next_attempt_at_ms) where status = 'pending';
create index webhook_deliveries_dead on webhook_deliveries (tenant_id, id) where status = 'dead';
create index webhook_deliveries_of_tenant on webhook_deliveries (tenant_id, id);
create index webhook_deliveries_of_run on webhook_deliveries (run_id, id);

-- `whk_` and a UUID of version 7 in base 32, as src/platform/ids.ts makes them: the time, then chance.
create function new_webhook_id(p_at_ms bigint) returns text language sql volatile as $$
  select 'whk_' || string_agg(substr('0123456789abcdefghjkmnpqrstvwxyz', digit + 1, 1), '' order by place)
  from (
    select place, case
      when place < 10 then ((p_at_ms >> (45 - 5 * place)) & 31)::integer
      when place = 10 then 14 + floor(random() * 2)::integer -- the version
      when place = 13 then 8 + floor(random() * 4)::integer + 16 * floor(random() * 2)::integer -- the variant
      else floor(random() * 32)::integer
    end as digit
    from generate_series(0, 25) as place
  ) as digits
$$;

create function note_webhook() returns trigger language plpgsql as $$
declare
  told constant text := 'run.' || new.status;
  at_ms constant bigint := now_ms();
begin
  insert into webhook_deliveries (id, tenant_id, run_id, url, event, run_then, next_attempt_at_ms, created_at_ms)
  select new_webhook_id(at_ms), new.tenant_id, new.id, new.webhook::json ->> 'url', told,
    case when new.status = 'requires_action' then json_build_object(
      'status', new.status, 'last_agent', new.last_agent, 'model', new.model, 'response', null, 'output', null,
      'requests', new.requests, 'input_tokens', new.input_tokens, 'cached_input_tokens', new.cached_input_tokens,
      'output_tokens', new.output_tokens, 'reasoning_tokens', new.reasoning_tokens,
      'total_tokens', new.total_tokens, 'cost_usd', new.cost_usd, 'error', null,
      'required_action', new.required_action, 'drift', new.drift, 'attempt', new.attempt, 'crashes', new.crashes,
      'owner_id', null, 'first_token_ms', new.first_token_ms, 'finished_at_ms', null
    )::text end,
    at_ms, at_ms
  where exists (
    select from json_array_elements_text(new.webhook::json -> 'events') as wanted (event) where wanted.event = told
  );
  return null;
end $$;

-- A run that is to pause although its end was asked for passes through the pause and ends at once: it tells of its end.
create trigger runs_tell_webhook after update of status on runs for each row
when (
  new.webhook is not null and new.status <> old.status and (
    new.status in ('completed', 'failed', 'cancelled', 'timed_out')
    or new.status = 'requires_action' and new.cancel_requested_at_ms is null
  )
) execute function note_webhook();

create function forget_webhooks() returns trigger language plpgsql as $$
begin
  delete from webhook_deliveries where run_id in (select id from gone);
  return null;
end $$;

create trigger runs_forget_webhooks after delete on runs referencing old table as gone
for each statement execute function forget_webhooks();

-- Notes whom a run tells. Of its own, so that a run without a webhook is made as before.
create function set_webhook(p_run_id text, p_webhook text) returns boolean language plpgsql as $$
begin
  update runs set webhook = p_webhook where id = p_run_id;
  return found;
end $$;

-- Claims deliveries that are due: at most so many, of one tenant at most so many, and none of those to pass over. The
-- tenants that have pending ones are found one by one in the index, however many deliveries each of them has.
create function claim_webhooks(p_limit integer, p_tenant_max integer, p_pass_over text[], p_lease_ms bigint)
returns setof webhook_deliveries language plpgsql as $$
declare
  at_ms constant bigint := now_ms();
begin
  return query
    with recursive tenants (id) as (
      select min(tenant_id) from webhook_deliveries where status = 'pending'
      union all
      select (
        select min(tenant_id) from webhook_deliveries where status = 'pending' and tenant_id > tenants.id
      ) from tenants where tenants.id is not null
    ), due as materialized (
      select share.id from tenants cross join lateral (
        select deliveries.id, deliveries.next_attempt_at_ms from webhook_deliveries as deliveries
        where deliveries.status = 'pending' and deliveries.tenant_id = tenants.id
          and deliveries.next_attempt_at_ms <= at_ms
        order by deliveries.next_attempt_at_ms limit p_tenant_max for update skip locked
      ) as share
      where tenants.id <> all (p_pass_over)
      order by share.next_attempt_at_ms limit p_limit
    )
    update webhook_deliveries as deliveries
    set attempts = deliveries.attempts + 1, next_attempt_at_ms = at_ms + p_lease_ms
    from due where deliveries.id = due.id
    returning deliveries.*;
end $$;
