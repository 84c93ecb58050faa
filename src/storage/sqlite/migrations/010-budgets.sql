-- Works from: 4
-- Budgets: what tenants may spend, what was spent, and what calls under way have reserved.
alter table tenants add column budget_usd_day real check (budget_usd_day >= 0);
alter table tenants add column budget_tokens_day integer check (budget_tokens_day >= 0);
alter table tenants add column budget_usd_month real check (budget_usd_month >= 0);
alter table tenants add column budget_tokens_month integer check (budget_tokens_month >= 0);

-- The key whose budgets a run uses; null for a run of none.
alter table runs add column budget_key_id text;

-- What one tenant or key has used of one period. Money in nanodollars: sums of whole numbers are exact.
create table budget_accounts (
  id text primary key,
  tenant_id text not null,
  -- When the period is over.
  ends_at_ms integer not null,
  used_tokens integer not null default 0,
  used_nano_usd integer not null default 0,
  reserved_tokens integer not null default 0,
  reserved_nano_usd integer not null default 0
) strict, without rowid;
create index budget_accounts_over on budget_accounts (ends_at_ms);

-- What a model call under way has reserved, in each of the accounts (JSON: their ids).
create table budget_holds (
  id text primary key,
  tenant_id text not null,
  run_id text not null,
  step_key text not null,
  attempt integer not null,
  process_id text not null,
  account_ids text not null,
  tokens integer not null,
  nano_usd integer not null
) strict, without rowid;
create index budget_holds_of_process on budget_holds (process_id);
