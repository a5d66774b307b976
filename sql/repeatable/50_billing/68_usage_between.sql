/*
What usage of a meter in [starts_at, ends_at) comes to; zero where there is none. Exact whatever the
range, as long as the events of the hours that it breaks have not been purged.
*/
create or replace function pgledger.usage_between(
  meter_key integer,
  unique_key text,
  aggregation text,
  starts_at timestamptz,
  ends_at timestamptz
)
returns numeric
language plpgsql
stable
parallel safe
as $$
declare
  v_value numeric;
begin
  if aggregation = 'unique_count' then
    return pgledger.unique_usage_between(meter_key, unique_key, starts_at, ends_at);
  elsif aggregation = 'latest' and ends_at = 'infinity' and starts_at = '-infinity' then
    -- A seat's level is asked for more often than anything, and needs one row.
    select usage_rollups.latest
    into v_value
    from pgledger.usage_rollups
    where usage_rollups.meter_key = usage_between.meter_key and usage_rollups.span = 1
    order by usage_rollups.starts_at desc
    limit 1;
  elsif aggregation = 'latest' then
    select part.latest
    into v_value
    from pgledger.usage_parts(meter_key, starts_at, ends_at) as part
    order by part.latest_at desc, part.latest_key desc
    limit 1;
  else
    return (
      pgledger.usage_counted(meter_key, unique_key, aggregation, starts_at, ends_at)
    ).value;
  end if;
  return coalesce(v_value, 0);
end;
$$;

comment on function pgledger.usage_between is
  'What usage of a meter in a range of time comes to, by one of the five aggregations.';

revoke all on function pgledger.usage_between from public;
