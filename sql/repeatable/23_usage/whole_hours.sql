/*
How a range of a meter's usage is added up: the whole UTC hours in it, and the whole UTC days among
them, each as [first, last). Where there is none, the first is not before the last. An infinite end
splits no hour.

What lies in an hour that an edge splits is read from the events. If these were purged, nobody knows
what was before the edge and what after: all of that hour then counts after it, for whatever range.
So ranges that meet still add up, and nothing counts twice. starts_at and ends_at come back as the
edges that are counted to.
*/
create or replace function pgledger.whole_hours(
  meter_key integer,
  inout starts_at timestamptz,
  inout ends_at timestamptz,
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
  v_purged_before timestamptz;
begin
  first_hour := date_bin('1 hour', starts_at - v_microsecond, v_origin) + interval '1 hour';
  last_hour := date_bin('1 hour', ends_at, v_origin);
  if starts_at < first_hour or last_hour < ends_at then
    select tenants.purged_before
    into v_purged_before
    from pgledger.meters
    inner join pgledger.tenants on meters.tenant_key = tenants.key
    where meters.key = whole_hours.meter_key;
    if starts_at < first_hour and first_hour <= v_purged_before
      and pgledger.hour_is_purged(meter_key, first_hour - interval '1 hour')
    then
      first_hour := first_hour - interval '1 hour';
      starts_at := first_hour;
    end if;
    if last_hour < ends_at and last_hour < v_purged_before
      and pgledger.hour_is_purged(meter_key, last_hour)
    then
      ends_at := last_hour;
    end if;
  end if;
  first_day := date_bin('24 hours', first_hour - v_microsecond, v_origin) + interval '24 hours';
  last_day := date_bin('24 hours', last_hour, v_origin);
end;
$$;

comment on function pgledger.whole_hours is
  'The whole UTC hours of a range of a meter''s usage, and the whole UTC days among them.';

revoke all on function pgledger.whole_hours from public;
