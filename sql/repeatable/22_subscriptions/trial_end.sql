/*
When a trial of that many days ends, counted in days of the time zone; null for no trial.
*/
create or replace function pgledger.trial_end(
  started_at timestamptz,
  time_zone text,
  trial_days integer
)
returns timestamptz
language sql
stable
parallel safe
as $$
  select case
    when trial_days > 0 then pgledger.period_boundary(started_at, time_zone, 'day', trial_days, 1)
  end
$$;

comment on function pgledger.trial_end is 'When a trial of that many days ends; null for no trial.';

revoke all on function pgledger.trial_end from public;
