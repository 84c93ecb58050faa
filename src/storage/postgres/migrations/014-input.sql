-- Works from: 6
-- Inputs that are more than text, and histories that are imported. `runs.message` holds JSON: a string where the input is
-- one text, else the list of its items. An item of an imported history has '' as `session_items.run_id`.

-- The large data of an input, beside the run, so that what reads runs does not read it. `marker` is the JSON string that
-- stands for it in `runs.message`.
create table run_input_data (
  run_id text collate "C" not null,
  tenant_id text collate "C" not null,
  n integer not null check (n >= 1),
  marker text not null,
  data text not null,
  primary key (run_id, n)
);

-- Stores the large data of a run's input: `[{"marker", "data"}, …]`. Of its own, so that a run without is made as before.
create function set_input_data(p_run_id text, p_tenant_id text, p_data json) returns boolean language plpgsql as $$
begin
  insert into run_input_data (run_id, tenant_id, n, marker, data)
  select p_run_id, p_tenant_id, part.n, part.value ->> 'marker', part.value ->> 'data'
  from json_array_elements(p_data) with ordinality as part (value, n);
  return found;
end $$;

-- The items of a run's input, each as JSON text. Nothing is decoded: they may hold what Postgres cannot decode.
create function input_items(p_run runs) returns text[] language plpgsql stable as $$
declare
  items text[];
  part run_input_data;
begin
  if left(p_run.message, 1) = '"' then
    return array[format('{"type":"message","role":"user","content":%s}', p_run.message)];
  end if;
  items := array(
    select value::text from json_array_elements(p_run.message::json) with ordinality as item (value, n) order by n
  );
  for part in select * from run_input_data where run_id = p_run.id order by n loop
    items := array(
      select replace(value, part.marker, to_json(part.data)::text)
      from unnest(items) with ordinality as item (value, n) order by n
    );
  end loop;
  return items;
end $$;

-- As before, but with all items of the input.
create or replace function remains_of_run(p_run runs, p_code text) returns text[] language plpgsql stable as $$
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
  return input_items(p_run)
    || items
    || format('{"type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":%s}]}',
      to_json('[This turn ended early (' || p_code || '). The tool calls above were carried out; no answer was given.]'));
end $$;

-- As before, with the data of inputs.
create or replace function remove_runs(p_ids text[]) returns integer language plpgsql as $$
declare
  count integer;
begin
  delete from events where run_id = any (p_ids);
  delete from steps where run_id = any (p_ids);
  delete from idempotency_keys where run_id = any (p_ids);
  delete from run_input_data where run_id = any (p_ids);
  delete from runs where id = any (p_ids);
  get diagnostics count = row_count;
  return count;
end $$;

-- The keys of requests that imported a history.
create table session_imports (
  tenant_id text collate "C" not null,
  session_id text collate "C" not null,
  key text collate "C" not null,
  fingerprint text not null,
  primary key (tenant_id, session_id, key)
);

create function forget_imports() returns trigger language plpgsql as $$
begin
  delete from session_imports where tenant_id = old.tenant_id and session_id = old.id;
  return null;
end $$;

create trigger sessions_forget_imports after delete on sessions for each row execute function forget_imports();

-- Adds items, `["<JSON>", …]`, at the end of a session, which is made if it is new. `outcome` is one of the port's;
-- `holder_id` is the run that holds the session or waits for it.
create function import_history(
  p_tenant_id text, p_session_id text, p_items json, p_key text, p_fingerprint text, out outcome text, out holder_id text
) language plpgsql as $$
declare
  held sessions;
  known text;
  items text[] := array(
    select value from json_array_elements_text(p_items) with ordinality as item (value, n) order by n
  );
begin
  held := lock_session(p_tenant_id, p_session_id);
  select fingerprint into known from session_imports
  where tenant_id = p_tenant_id and session_id = p_session_id and key = p_key;
  if found then
    outcome := case when known = p_fingerprint then 'existing' else 'key_reused' end;
    return;
  end if;
  holder_id := coalesce(held.active_run_id, (
    select id from runs where tenant_id = p_tenant_id and session_id = p_session_id and status = 'queued'
    order by line_rank, arrival limit 1 -- those whose time has not come too
  ));
  if holder_id is not null then
    outcome := 'busy';
    return;
  end if;
  insert into session_items (tenant_id, session_id, seq, run_id, created_at_ms, item)
  select p_tenant_id, p_session_id, held.next_seq + n - 1, '', now_ms(), value
  from unnest(items) with ordinality as item (value, n);
  update sessions set next_seq = next_seq + cardinality(items), updated_at_ms = now_ms()
  where tenant_id = p_tenant_id and id = p_session_id;
  if p_key is not null then
    insert into session_imports (tenant_id, session_id, key, fingerprint)
    values (p_tenant_id, p_session_id, p_key, p_fingerprint);
  end if;
  outcome := 'imported';
end $$;
