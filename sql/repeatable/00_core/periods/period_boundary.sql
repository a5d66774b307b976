/*
Boundary number n of the periods that count from an anchor: the anchor's local time plus n times the
length of a period, read in that time zone. It always counts from the anchor, so a month that is too
short moves only its own boundary and not the ones after it: Jan 31, Feb 28, Mar 31.

Boundary 0 is the anchor itself, because the anchor's local time may have come twice. For any other
boundary: if its local time comes twice, the second one counts; if its local time is left out, the
boundary is as late as if the clock had not been put forward. Boundaries ascend strictly, except
where a zone left out a whole day: the two around it are the same moment, and the period between
them is empty.

Written so that it is inlined; null where an argument is null.
*/
create or replace function pgledger.period_boundary(
  anchor_at timestamptz,
  time_zone text,
  unit text,
  count integer,
  number integer
)
returns timestamptz
language sql
stable
parallel safe
as $$
  select case
    when number = 0 then anchor_at
    else (
      (anchor_at at time zone time_zone)
      + case unit
        when 'month' then make_interval(months => number * count)
        when 'year' then make_interval(years => number * count)
        when 'week' then make_interval(weeks => number * count)
        when 'day' then make_interval(days => number * count)
      end
    ) at time zone time_zone
  end
$$;

comment on function pgledger.period_boundary is
  'Boundary of that number, of the periods that count from an anchor in a time zone.';

revoke all on function pgledger.period_boundary from public;
