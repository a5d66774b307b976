/*
Whether the usage of a meter in an hour, or in a part of it, is added up in smaller parts too. If
it holds as many events as pgledger.most_undivided_usage says, it has been divided, unless events
of it were purged before.
*/
create or replace function pgledger.usage_is_divided(
  meter_key integer,
  span integer,
  starts_at timestamptz
)
returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  return exists (
    select
    from pgledger.usage_rollups
    where usage_rollups.meter_key = usage_is_divided.meter_key
      and usage_rollups.span = usage_is_divided.span + 1
      and usage_rollups.starts_at >= usage_is_divided.starts_at
      and usage_rollups.starts_at
      < usage_is_divided.starts_at + pgledger.usage_part_length(usage_is_divided.span)
  );
end;
$$;

comment on function pgledger.usage_is_divided is
  'Whether a meter''s usage in a part of time is added up in smaller parts too.';

revoke all on function pgledger.usage_is_divided from public;
