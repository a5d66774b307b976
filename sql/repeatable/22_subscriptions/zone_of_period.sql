/*
The time zone in which the days of a subscription's period are counted: the one that the period
began in, though others may count since.
*/
create or replace function pgledger.zone_of_period(
  subscription pgledger.subscriptions,
  period_start timestamptz
)
returns text
language plpgsql
stable
parallel safe
as $$
begin
  if subscription.earlier_zones is null then
    return subscription.time_zone;
  end if;
  return coalesce(
    (
      select earlier.zone ->> 'time_zone'
      from jsonb_array_elements(subscription.earlier_zones)
        with ordinality as earlier (zone, place)
      where (earlier.zone ->> 'through')::timestamptz >= zone_of_period.period_start
      order by earlier.place
      limit 1
    ),
    subscription.time_zone
  );
end;
$$;

comment on function pgledger.zone_of_period is
  'The time zone in which the days of a subscription''s period are counted.';

revoke all on function pgledger.zone_of_period from public;
