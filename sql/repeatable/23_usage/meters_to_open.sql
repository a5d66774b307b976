/*
The pairs of tenant and feature among events that need a meter and have none yet, each once. The
feature is looked for once a pair, however many events there are of it.
*/
create or replace function pgledger.meters_to_open(
  app_id text,
  tenant_ids text[],
  feature_keys text[],
  event_ats timestamptz[],
  metadatas jsonb[],
  places bigint[],
  now timestamptz
)
returns table (tenant_id text, feature_key text)
language plpgsql
stable
parallel safe
as $$
begin
  return query
  with event as materialized (
    select
      given.tenant_id, given.feature_key, given.metadata,
      coalesce(given.event_at, now) as event_at
    from unnest(places) as place (number)
    inner join unnest(tenant_ids, feature_keys, event_ats, metadatas) with ordinality
      as given (tenant_id, feature_key, event_at, metadata, place)
      on place.number = given.place
    where given.feature_key is not null
      and pgledger.text_fault(given.tenant_id, 1, 128, false) is null
  )
  select pair.tenant_id, pair.feature_key
  from (
    select distinct event.tenant_id, event.feature_key
    from event
  ) as pair
  cross join lateral pgledger.find_feature(
    meters_to_open.app_id, pair.feature_key, pair.tenant_id
  ) as feature
  left join pgledger.tenants
    on tenants.app_id = meters_to_open.app_id and pair.tenant_id = tenants.tenant_id
  where feature.type in ('metered', 'seat')
    and not exists (
      select
      from pgledger.meters
      where meters.app_id = meters_to_open.app_id
        and meters.tenant_id = pair.tenant_id
        and meters.feature_key = pair.feature_key
    )
    and exists (
      select
      from event
      where event.tenant_id = pair.tenant_id
        and event.feature_key = pair.feature_key
        and event.event_at >= coalesce(tenants.purged_before, '-infinity')
        and (
          feature.unique_key is null
          or char_length(pgledger.counted_value(event.metadata, feature.unique_key))
          between 1 and 255
        )
    );
end;
$$;

comment on function pgledger.meters_to_open is
  'Pairs of tenant and feature among events that need a meter and have none.';

revoke all on function pgledger.meters_to_open from public;
