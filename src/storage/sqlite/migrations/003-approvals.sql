-- Until when a run waits for a person, on the clock; only where it stands at `requires_action`.
alter table runs add column action_expires_at_ms integer;

create index runs_by_action_expiry on runs (action_expires_at_ms) where status = 'requires_action';
