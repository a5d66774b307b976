/*
What usage of a meter in [starts_at, ends_at) comes to, or zero where there is none. It is exact for
any range, as long as the events of the hours that the range splits have not been purged.
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
  elsif aggregation = 'latest' then
    return pgledger.latest_usage_between(meter_key, starts_at, ends_at);
  end if;
  select
    case aggregation
      when 'sum' then sums.quantity
      when 'count' then sums.events
      when 'max' then sums.highest
    end
  into v_value
  from pgledger.usage_sums(array[meter_key], starts_at, ends_at) as sums;
  return coalesce(v_value, 0);
end;
$$;

comment on function pgledger.usage_between is
  'What usage of a meter in a range of time comes to, by one of the five aggregations.';

revoke all on function pgledger.usage_between from public;
