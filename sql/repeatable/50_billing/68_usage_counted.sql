/*
What usage of a meter in [starts_at, ends_at) comes to by an aggregation, and of how many events;
zero where there is none, or no meter.
*/
create or replace function pgledger.usage_counted(
  meter_key integer,
  unique_key text,
  aggregation text,
  starts_at timestamptz,
  ends_at timestamptz,
  out value numeric,
  out events bigint
)
language plpgsql
stable
parallel safe
as $$
begin
  if meter_key is null then
    value := 0;
    events := 0;
    return;
  end if;
  select
    coalesce(
      case aggregation
        when 'sum' then sum(part.quantity)
        when 'count' then sum(part.events)
        when 'max' then max(part.highest)
      end,
      0
    ),
    coalesce(sum(part.events), 0)
  into usage_counted.value, usage_counted.events
  from pgledger.usage_parts(meter_key, starts_at, ends_at) as part;
  if aggregation in ('latest', 'unique_count') then
    value := pgledger.usage_between(meter_key, unique_key, aggregation, starts_at, ends_at);
  end if;
end;
$$;

comment on function pgledger.usage_counted is
  'What a meter''s usage in a range of time comes to, and how many events it is of.';

revoke all on function pgledger.usage_counted from public;
