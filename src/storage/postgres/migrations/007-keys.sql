-- Works from: 6
-- What a key may use; null for no limit of its own.
alter table api_keys
  add column rpm integer check (rpm > 0),
  add column burst integer check (burst > 0),
  add column budget_usd_day double precision check (budget_usd_day >= 0),
  add column budget_tokens_day bigint check (budget_tokens_day >= 0),
  add column budget_usd_month double precision check (budget_usd_month >= 0),
  add column budget_tokens_month bigint check (budget_tokens_month >= 0);
