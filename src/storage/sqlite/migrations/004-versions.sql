-- As on Postgres, where several versions of an application run at once; here one process executes runs.
alter table processes add column agents text; -- a JSON array
alter table processes add column claims integer not null default 1 check (claims in (0, 1));
