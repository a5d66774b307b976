/*
How far an account may be ahead of the clock before calls warn. It is a row of a table and not a
setting: a setting can be changed by any session.
*/
create or replace function pgledger.clock_warning()
returns interval
language sql
stable
parallel safe
as $$
  select coalesce((select clock_settings.warn_after from pgledger.clock_settings), '1 minute')
$$;

comment on function pgledger.clock_warning is
  'How far an account may be ahead of the clock before calls warn.';

revoke all on function pgledger.clock_warning from public;
