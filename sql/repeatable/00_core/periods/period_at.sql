/*
The period that a time lies in: starts_at <= at < ends_at. Both boundaries are those of
pgledger.period_boundary, also before the anchor, where their numbers are negative. An empty period
contains no time, so it is never the answer. Times are finite; null where an argument is null.

First the number is found among local times, exactly: the difference in months or days, less one if
the clamped boundary is still ahead. Local times go back by at most a day, and periods are a day or
longer, so the true period is at most one number away.
*/
create or replace function pgledger.period_at(
  anchor_at timestamptz,
  time_zone text,
  unit text,
  count integer,
  at timestamptz,
  out number integer,
  out starts_at timestamptz,
  out ends_at timestamptz
)
language plpgsql
stable
strict
parallel safe
as $$
declare
  v_anchor timestamp := anchor_at at time zone time_zone;
  v_at timestamp := at at time zone time_zone;
  v_first timestamp;
  v_last timestamp;
  v_length integer;
begin
  if unit in ('month', 'year') then
    -- 400 years are added, after which the calendar repeats: years BC would count backwards.
    v_first := v_anchor + interval '400 years';
    v_last := v_at + interval '400 years';
    v_length := case unit when 'year' then 12 * count else count end;
    number := floor(
      (
        12 * (date_part('year', v_last) - date_part('year', v_first))
        + date_part('month', v_last) - date_part('month', v_first)
      ) / v_length
    );
    if v_anchor + make_interval(months => number * v_length) > v_at then
      number := number - 1;
    end if;
  else
    v_length := case unit when 'week' then 7 * count else count end;
    number := floor(
      (v_at::date - v_anchor::date - (v_at::time < v_anchor::time)::integer)::double precision
      / v_length
    );
  end if;

  starts_at := pgledger.period_boundary(anchor_at, time_zone, unit, count, number);
  if starts_at > at then
    ends_at := starts_at;
    number := number - 1;
    starts_at := pgledger.period_boundary(anchor_at, time_zone, unit, count, number);
  else
    ends_at := pgledger.period_boundary(anchor_at, time_zone, unit, count, number + 1);
    if ends_at <= at then
      starts_at := ends_at;
      number := number + 1;
      ends_at := pgledger.period_boundary(anchor_at, time_zone, unit, count, number + 1);
    end if;
  end if;
end;
$$;

comment on function pgledger.period_at is
  'The period that a time lies in, among those that count from an anchor in a time zone: its '
  'number, start and end.';

revoke all on function pgledger.period_at from public;
