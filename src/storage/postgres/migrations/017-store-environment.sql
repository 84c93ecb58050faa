-- Works from: 16
-- The environment that the store belongs to; no row until the first process has stamped it.
create table store_environment (
  one integer primary key check (one = 1),
  name text not null,
  stamped_at_ms bigint not null
);
