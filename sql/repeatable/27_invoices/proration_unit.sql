/*
How many days, or seconds, of a period are over at a time: 0 at its start, all at its end. Days are
counted in the time zone and begin at the period's own time of day. A change counts from the start
of the day in which it is made.
*/
create or replace function pgledger.proration_unit(
  at timestamptz,
  whole_start timestamptz,
  whole_end timestamptz,
  time_zone text,
  proration text
)
returns numeric
language sql
stable
parallel safe
as $$
  select case
    when proration = 'second'
      then extract(epoch from least(greatest(at, whole_start), whole_end) - whole_start)
    when at >= whole_end
      then greatest(
        1, (whole_end at time zone time_zone)::date - (whole_start at time zone time_zone)::date
      )
    when at <= whole_start then 0
    -- When clocks are set back, the local time can be before that of the start, or come twice: a
    -- day begins when it comes the second time, as periods do.
    else greatest(
      0,
      (at at time zone time_zone)::date - (whole_start at time zone time_zone)::date
      - (
        at < (
          (at at time zone time_zone)::date + (whole_start at time zone time_zone)::time
        ) at time zone time_zone
      )::integer
    )
  end::numeric
$$;

comment on function pgledger.proration_unit is
  'How many days or seconds of a period are over at a time.';

revoke all on function pgledger.proration_unit from public;
