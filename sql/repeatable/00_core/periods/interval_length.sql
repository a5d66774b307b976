/*
The length of a billing interval, for comparing it with another one: a year is 12 months and a week
is 7 days, but no number of days is a month.
*/
create or replace function pgledger.interval_length(unit text, count integer)
returns text
language sql
immutable
parallel safe
as $$
  select case unit
    when 'year' then format('%s months', 12 * count)
    when 'month' then format('%s months', count)
    when 'week' then format('%s days', 7 * count)
    when 'day' then format('%s days', count)
  end
$$;

comment on function pgledger.interval_length is
  'Length of a billing interval, in months or in days; equal for equal lengths.';

revoke all on function pgledger.interval_length from public;
