-- Works from: 4
-- What is known about model providers: circuit breakers that are open, and pauses that were asked for.
create table provider_notes (
  id text primary key,
  kind text not null check (kind in ('open', 'pause')),
  -- Both on the clock, so that they hold over a restart.
  until_ms integer not null,
  probe_until_ms integer not null default 0,
  trips integer not null
) strict;

-- As on Postgres, where several processes share the places of a provider's key.
create table provider_shares (
  key_id text not null,
  process_id text not null,
  granted integer not null,
  wanted integer not null,
  expires_at_ms integer not null,
  primary key (key_id, process_id)
) strict;
