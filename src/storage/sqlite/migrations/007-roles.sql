-- Works from: 4
-- As on Postgres; the one process of the embedded store claims everything.
alter table processes add column claims_background integer not null default 1 check (claims_background in (0, 1));
