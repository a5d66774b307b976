/*
What the sum, count or max of usage of a meter in [starts_at, ends_at) comes to, and of how many
events; zero where there is none.
*/
create or replace function pgledger.usage_counted(
  meter_key integer,
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
  select
    coalesce(
      case aggregation
        when 'sum' then sum(part.quantity)
        when 'count' then sum(part.events)
        else max(part.highest)
      end,
      0
    ),
    coalesce(sum(part.events), 0)
  into usage_counted.value, usage_counted.events
  from pgledger.usage_parts(meter_key, starts_at, ends_at) as part;
end;
$$;

comment on function pgledger.usage_counted is
  'Sum, count or max of a meter''s usage in a range of time, and how many events it is of.';

revoke all on function pgledger.usage_counted from public;
