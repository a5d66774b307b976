/*
How many values a usage event with that metadata would add to those that the meter has counted in
[starts_at, ends_at): one or none.
*/
create or replace function pgledger.unique_usage_added(
  app_id text,
  tenant_id text,
  feature_key text,
  metadata jsonb,
  starts_at timestamptz,
  ends_at timestamptz
)
returns integer
language plpgsql
stable
parallel safe
as $$
begin
  return (
    select count(*) filter (where value.found = 0)
    from (
      select pgledger.unique_usage_between(
        meters.key,
        meters.unique_key,
        unique_usage_added.starts_at,
        unique_usage_added.ends_at,
        coalesce(pgledger.counted_value(metadata, meters.unique_key), '')
      ) as found
      from pgledger.meters
      where meters.app_id = unique_usage_added.app_id
        and meters.tenant_id = unique_usage_added.tenant_id
        and meters.feature_key = unique_usage_added.feature_key
      -- Without a meter yet, the event would be the first.
      union all
      select 0
      where not exists (
        select
        from pgledger.meters
        where meters.app_id = unique_usage_added.app_id
          and meters.tenant_id = unique_usage_added.tenant_id
          and meters.feature_key = unique_usage_added.feature_key
      )
    ) as value
  );
end;
$$;

comment on function pgledger.unique_usage_added is
  'How many values an event would add to those that a meter has counted: one or none.';

revoke all on function pgledger.unique_usage_added from public;
