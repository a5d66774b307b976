/*
The level that a meter had in the stays of a period, by an aggregation of max or latest; 0 without
an event in them. What is reported in between counts for nothing.
*/
create or replace function pgledger.usage_level(
  meter_key integer,
  aggregation text,
  stays pgledger.billing_segment[]
)
returns numeric
language plpgsql
stable
parallel safe
as $$
begin
  if aggregation = 'max' then
    return coalesce(
      (
        select max(sums.highest)
        from unnest(stays) as stay
        cross join lateral pgledger.usage_sums(
          array[usage_level.meter_key], stay.starts_at, stay.ends_at
        ) as sums
      ),
      0
    );
  end if;
  return coalesce(
    (
      select pgledger.latest_usage_between(usage_level.meter_key, last.starts_at, last.ends_at)
      from (
        select stay.starts_at, stay.ends_at
        from unnest(stays) as stay
        cross join lateral pgledger.usage_sums(
          array[usage_level.meter_key], stay.starts_at, stay.ends_at
        ) as sums
        order by stay.starts_at desc
        limit 1
      ) as last
    ),
    0
  );
end;
$$;

comment on function pgledger.usage_level is
  'The level that a meter had in the stays of a period: the highest or the latest.';

revoke all on function pgledger.usage_level from public;
