/*
Refuses a span of time that is empty. An end that is not given is open.

Errors: InvalidTime.
*/
create or replace function pgledger.check_span(from_time timestamptz, until timestamptz)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  if until <= from_time then
    v_ok := pgledger.fail(
      'InvalidTime',
      array['until', until::text, format('it is not after from_time %s', from_time)],
      hint => 'Give an until that is later than from_time; null leaves an end open.'
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_span is
  'Raises InvalidTime if a span of time ends before it begins; null is an open end.';

revoke all on function pgledger.check_span from public;
