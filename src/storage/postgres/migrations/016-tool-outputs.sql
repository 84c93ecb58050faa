-- Works from: 6
-- Results of tools that are more than JSON: they are recorded with their text in front (`toolOutputKey` in
-- `port/tool-output.ts`).

-- A recorded output as text, as `toOutputText` of the port says it: a JSON string. The text of a result stands in front,
-- so it is cut out and not parsed: what is JSON text already may hold what Postgres cannot decode. A character of a
-- text of at most 65,536 characters and its note takes six in JSON at most.
create function output_text(p_output text) returns text language sql immutable as $$
  select case
    when left(p_output, 1) = '"' then p_output
    when starts_with(p_output, '{"$tool_output":"')
      then substring(left(p_output, 400000) from '^\{"\$tool_output":("(?:[^"\\]|\\.)*")')
    else to_json(coalesce(p_output, 'null'))::text
  end
$$;

-- As before, with the texts of outputs.
create or replace function remains_of_run(p_run runs, p_code text) returns text[] language plpgsql stable as $$
declare
  items text[];
begin
  select array_agg(item order by step, part) into items
  from steps,
    lateral (select case when left(input, 1) = '"' then input else to_json(input)::text end) as i (arguments),
    lateral (select output_text(output)) as o (result),
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
