/*
The times that cut a range into the hours, days or months of a time zone, its own start and end
among them. Hours are counted as they pass, days and months by the calendar; a day that the zone
leaves out has no part.
Errors: InvalidTime.
*/
create or replace function pgledger.edges_of_parts(
  starts_at timestamptz,
  ends_at timestamptz,
  unit text,
  time_zone text
)
returns timestamptz[]
language plpgsql
stable
parallel safe
as $$
declare
  v_most constant integer := 10000;
  v_length interval := '1 ' || unit;
  v_ok boolean;
begin
  if starts_at + v_most * v_length < ends_at then
    v_ok := pgledger.fail(
      'InvalidTime',
      array[
        'ends_at', ends_at::text, format('it is more than %s parts after %s', v_most, starts_at)
      ],
      hint => 'Ask for a shorter range, or for longer parts.'
    );
  end if;

  return array(
    select distinct edge.at
    from (
      values (starts_at), (ends_at)
      union all
      select hour.at
      from generate_series(1, v_most) as number
      cross join lateral (
        select date_trunc('hour', starts_at + number * v_length, time_zone) as at
      ) as hour
      where unit = 'hour'
        and starts_at + number * v_length < ends_at + v_length
        -- Where clocks are put back by half an hour, no hour begins at what is cut off to.
        and extract(minute from hour.at at time zone time_zone) = 0
      union all
      select (date_trunc(unit, starts_at at time zone time_zone) + number * v_length)
        at time zone time_zone
      from generate_series(1, v_most) as number
      where unit <> 'hour' and starts_at + number * v_length < ends_at + v_length
    ) as edge (at)
    where edge.at between starts_at and ends_at
    order by edge.at
  );
end;
$$;

comment on function pgledger.edges_of_parts is
  'The times that cut a range into the hours, days or months of a time zone.';

revoke all on function pgledger.edges_of_parts from public;
