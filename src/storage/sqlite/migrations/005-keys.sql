-- Works from: 4
-- What a key may use; null for no limit of its own.
alter table api_keys add column rpm integer check (rpm > 0);
alter table api_keys add column burst integer check (burst > 0);
alter table api_keys add column budget_usd_day real check (budget_usd_day >= 0);
alter table api_keys add column budget_tokens_day integer check (budget_tokens_day >= 0);
alter table api_keys add column budget_usd_month real check (budget_usd_month >= 0);
alter table api_keys add column budget_tokens_month integer check (budget_tokens_month >= 0);
