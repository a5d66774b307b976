/*
The whole UTC hours of a range, and the whole UTC days among them, each as [first, last). Where
there is none, the first is not before the last. An infinite end splits no hour.
*/
create or replace function pgledger.whole_hours(
  starts_at timestamptz,
  ends_at timestamptz,
  out first_hour timestamptz,
  out last_hour timestamptz,
  out first_day timestamptz,
  out last_day timestamptz
)
language plpgsql
stable
parallel safe
as $$
declare
  v_origin constant timestamptz := timestamptz '2000-01-01 00:00:00+00';
  v_microsecond constant interval := interval '1 microsecond';
begin
  first_hour := date_bin('1 hour', starts_at - v_microsecond, v_origin) + interval '1 hour';
  last_hour := date_bin('1 hour', ends_at, v_origin);
  first_day := date_bin('24 hours', first_hour - v_microsecond, v_origin) + interval '24 hours';
  last_day := date_bin('24 hours', last_hour, v_origin);
end;
$$;

comment on function pgledger.whole_hours is
  'The whole UTC hours of a range of time, and the whole UTC days among them.';

revoke all on function pgledger.whole_hours from public;
