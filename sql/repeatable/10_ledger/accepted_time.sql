/*
What accepted an account's time, or no row. A time is accepted up to a day beyond the one that was
looked at: every transfer moves it on by a microsecond at least, and another wrong clock moves it on
by more.
*/
create or replace function pgledger.accepted_time(account_key bigint, at timestamptz)
returns table (
  newest_at timestamptz,
  accepted_at timestamptz,
  accepted_by text,
  reason text
)
language sql
stable
parallel safe
rows 1
as $$
  select
    accepted_times.newest_at, accepted_times.accepted_at, accepted_times.accepted_by,
    accepted_times.reason
  from pgledger.accepted_times
  where accepted_times.account_key = accepted_time.account_key
    and accepted_times.newest_at >= accepted_time.at - interval '1 day'
  order by accepted_times.newest_at
  limit 1
$$;

comment on function pgledger.accepted_time is 'What accepted an account''s time, or no row.';

revoke all on function pgledger.accepted_time from public;
