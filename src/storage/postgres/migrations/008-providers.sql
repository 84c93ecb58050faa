-- Works from: 6
-- What processes know together about model providers: circuit breakers that are open, and pauses that were asked for.
-- Losing it in a crash costs a few requests, so nothing of it goes through the log.
create unlogged table provider_notes (
  id text collate "C" primary key,
  kind text not null check (kind in ('open', 'pause')),
  -- Both on the steady time.
  until_ms bigint not null,
  probe_until_ms bigint not null default 0,
  trips integer not null
);

-- Places of a provider's key that processes hold.
create unlogged table provider_shares (
  key_id text collate "C" not null,
  process_id text collate "C" not null,
  granted integer not null,
  wanted integer not null,
  expires_at_ms bigint not null, -- on the steady time
  primary key (key_id, process_id)
);

-- Gives a process its share of the places of a key. Whoever has more than its fair part while another wants for places
-- gets back down to it as its calls end. A process that was not heard of since its lease ended may still use as much as
-- it takes for its part (`ProviderStore.share`), so that much is kept for it, for a minute.
create function take_provider_share(
  p_key_id text, p_process_id text, p_limit integer, p_wanted integer, p_used integer, p_lease_ms bigint,
  out granted integer, out processes integer
) language plpgsql as $$
declare
  kept_for_ms constant bigint := 60000;
  at_ms constant bigint := steady_ms();
  wanting integer;
  taken integer;
  contended boolean;
begin
  perform pg_advisory_xact_lock(7031004, hashtext(p_key_id));
  delete from provider_shares where key_id = p_key_id and expires_at_ms < at_ms - kept_for_ms;
  select count(*) filter (where expires_at_ms > at_ms) + 1,
    count(*) filter (where expires_at_ms > at_ms and wanted > 0) + (p_wanted > 0)::integer,
    coalesce(bool_or(expires_at_ms > at_ms and wanted > shares.granted), false)
  into processes, wanting, contended
  from provider_shares as shares where key_id = p_key_id and process_id <> p_process_id;
  select coalesce(sum(
    case when expires_at_ms > at_ms then shares.granted
    else least(shares.granted, greatest(1, p_limit / processes)) end
  ), 0) into taken
  from provider_shares as shares where key_id = p_key_id and process_id <> p_process_id;
  granted := least(
    p_wanted,
    greatest(0, p_limit - taken),
    case when contended then greatest(p_used, p_limit / greatest(1, wanting), 1) else p_limit end
  );
  granted := greatest(granted, p_used);
  insert into provider_shares (key_id, process_id, granted, wanted, expires_at_ms)
  values (p_key_id, p_process_id, take_provider_share.granted, p_wanted, at_ms + p_lease_ms)
  on conflict (key_id, process_id) do update set
    granted = excluded.granted, wanted = excluded.wanted, expires_at_ms = excluded.expires_at_ms;
end $$;

-- As without `p_wake_in_ms`, which is null for at once; else the run is not claimed before so many ms are over, and its
-- time goes on meanwhile.
create function hand_back_run(
  p_tenant_id text, p_id text, p_attempt integer, p_entries json, p_cancelled text, p_wake_in_ms bigint
) returns setof runs language plpgsql as $$
declare
  returned runs;
begin
  select * into returned from hand_back_run(p_tenant_id, p_id, p_attempt, p_entries, p_cancelled);
  if returned.status = 'queued' and p_wake_in_ms is not null then
    update runs set run_at_ms = now_ms() + p_wake_in_ms, clock_stopped_at_ms = null where id = p_id
    returning * into returned;
  end if;
  if returned.id is not null then
    return next returned;
  end if;
end $$;

-- As before, but only runs whose time has come: a run that has crashed before may wait for one too.
create or replace function eligible_runs(p_at_ms bigint) returns setof runs language sql stable as $$
  select runs.* from runs
  left join sessions on sessions.tenant_id = runs.tenant_id and sessions.id = runs.session_id
  where runs.status = 'queued' and (runs.run_at_ms is null or runs.run_at_ms <= p_at_ms) and (
    runs.session_id is null or sessions.active_run_id = runs.id
    or sessions.active_run_id is null and runs.id = (
      select line.id from runs as line
      where line.tenant_id = runs.tenant_id and line.session_id = runs.session_id and line.status = 'queued'
        and (line.run_at_ms is null or line.run_at_ms <= p_at_ms)
      order by line.line_rank, line.arrival limit 1
    )
  )
$$;
