-- Works from: 6
-- Runs that go on with the last agent of their session, which is known when they get it.
alter table runs add column continues boolean not null default false;

-- The agent of a run that begins: the last agent of its session, if the process that begins the run has it.
create function begin_with_last_agent() returns trigger language plpgsql as $$
begin
  new.agent := coalesce((
    select last_agent from sessions join processes on processes.id = new.owner_id
    where sessions.tenant_id = new.tenant_id and sessions.id = new.session_id and last_agent = any (agents)
  ), new.agent);
  return new;
end $$;

-- A run gets its session when it is claimed for the first time, or with its creation. Its row and its session's are
-- locked then, and no other run ends in the session until it ends itself.
create trigger runs_begin_with_last_agent before update of attempt, continues on runs for each row
when (new.continues and new.attempt = 1 and (old.attempt = 0 or not old.continues))
execute function begin_with_last_agent();

-- Has a run that was just created go on with the last agent of its session; returns the agent that it has now. Of its own,
-- so that other runs are created as before.
create function continue_session(p_run_id text) returns text language plpgsql as $$
declare
  decided text;
begin
  update runs set continues = true where id = p_run_id returning agent into decided;
  return decided;
end $$;
