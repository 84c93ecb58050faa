create table tenants (
  id text primary key,
  created_at_ms bigint not null
);
