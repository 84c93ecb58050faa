-- Works from: 6
-- Processes that leave runs in the background to others (PROCESS_ROLE=api). Those of a version that does not say execute
-- everything.
alter table processes add column claims_background boolean not null default true;

-- As in 006-versions.sql; a process that leaves runs in the background to others is no better place for one.
create or replace function eligible_runs(p_at_ms bigint, p_agents text[], p_version text)
returns setof runs language sql stable as $$
  select runs.* from eligible_runs(p_at_ms) as runs
  where (
    p_agents is null or runs.agent = any (p_agents) or not exists (
      select from processes
      where lease_expires_at_ms > steady_ms() and claims and (claims_background or runs.mode <> 'background')
        and (agents is null or runs.agent = any (agents))
    )
  ) and (
    p_version is null or runs.attempt = 0 or runs.app_version = p_version or not exists (
      select from processes
      where lease_expires_at_ms > steady_ms() and claims and (claims_background or runs.mode <> 'background')
        and processes.app_version = runs.app_version
    )
  )
$$;
