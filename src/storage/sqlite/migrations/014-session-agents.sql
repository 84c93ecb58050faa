-- Works from: 4
-- Runs that go on with the last agent of their session, which is known when they get it.
alter table runs add column continues integer not null default 0 check (continues in (0, 1));
