/*
Refuses a span of time that is empty, or whose ends are no times that answers can have. An end that
is not given, or is infinite, is open.

Errors: InvalidTime.
*/
create or replace function pgledger.check_span(from_time timestamptz, until timestamptz)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text;
  v_ok boolean;
begin
  if isfinite(from_time) then
    v_fault := pgledger.time_fault(from_time);
    if v_fault is not null then
      v_ok := pgledger.fail('InvalidTime', array['from_time', from_time::text, v_fault]);
    end if;
  end if;
  if isfinite(until) then
    v_fault := pgledger.time_fault(until);
    if v_fault is not null then
      v_ok := pgledger.fail('InvalidTime', array['until', until::text, v_fault]);
    end if;
  end if;
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
