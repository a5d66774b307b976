/*
A time as a key's row keeps it: in UTC, so that the session's time zone makes no difference.
*/
create or replace function pgledger.argument_time(at timestamptz)
returns text
language sql
stable
parallel safe
as $$
  select (to_jsonb(at at time zone 'UTC') #>> '{}') || 'Z'
$$;

comment on function pgledger.argument_time is
  'A time of a request as its key''s row keeps it.';

revoke all on function pgledger.argument_time from public;
