-- Works from: 4
-- The queued runs in the background of a tenant in their order, and how many of a tenant are running: claims are fair to
-- tenants.
create index runs_claimable_of_tenant on runs (tenant_id, priority desc, arrival)
where status = 'queued' and mode = 'background' and crashes = 0 and run_at_ms is null;
create index runs_background_running on runs (tenant_id) where status = 'running' and mode = 'background';

-- Where many tenants have runs queued, a claim looks at some of them; the next one goes on after the last of those.
create table claim_turn (
  only integer primary key check (only = 1),
  after_id text not null
) strict, without rowid;
insert into claim_turn (only, after_id) values (1, '');
