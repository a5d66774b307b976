/*
Makes the meters that events lack. places are those of the events, among parallel arrays, with which
nothing else is wrong; arrays that are null have nothing for any event. An event gets its meter if
the catalogue has the feature as one that is metered or a seat, the tenant's id is valid and its
purge line is not behind the event, and the value that the feature counts is there. If an event is
left without one, pgledger.usage_fault says why. So what is rejected leaves nothing behind.
Locks, only where one is missing: the features, ascending by id; new tenants and new meters, both
ascending.
*/
create or replace function pgledger.open_meters(
  app_id text,
  tenant_ids text[],
  feature_keys text[],
  event_ats timestamptz[],
  metadatas jsonb[],
  places bigint[],
  now timestamptz
)
returns void
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_generic_plan
set enable_nestloop = off
set enable_mergejoin = off
set jit = off
as $$
declare
  v_tenant_ids text[];
  v_feature_keys text[];
begin
  select
    array_agg(missing.tenant_id order by missing.tenant_id, missing.feature_key),
    array_agg(missing.feature_key order by missing.tenant_id, missing.feature_key)
  into v_tenant_ids, v_feature_keys
  from pgledger.meters_to_open(
    app_id, tenant_ids, feature_keys, event_ats, metadatas, places, now
  ) as missing;
  if v_tenant_ids is null then
    return;
  end if;
  -- Nobody deletes a feature between the first look at it and its first meter.
  perform
  from pgledger.features
  where features.key = any(v_feature_keys)
    and features.app_id in (open_meters.app_id, '*')
    and (features.tenant_id = '' or features.tenant_id = any(v_tenant_ids))
  order by features.id
  for key share;
  insert into pgledger.tenants (app_id, tenant_id)
  select distinct open_meters.app_id, given.tenant_id
  from unnest(v_tenant_ids) as given (tenant_id)
  order by given.tenant_id
  on conflict on constraint tenants_app_id_tenant_id_key do nothing;
  insert into pgledger.meters (tenant_key, app_id, tenant_id, feature_key, type, unique_key)
  select
    tenants.key, open_meters.app_id, given.tenant_id, given.feature_key, feature.type,
    feature.unique_key
  from unnest(v_tenant_ids, v_feature_keys) as given (tenant_id, feature_key)
  inner join pgledger.tenants
    on tenants.app_id = open_meters.app_id and given.tenant_id = tenants.tenant_id
  cross join lateral pgledger.find_feature(
    open_meters.app_id, given.feature_key, given.tenant_id
  ) as feature
  where feature.type in ('metered', 'seat')
  order by given.tenant_id, given.feature_key
  on conflict on constraint meters_app_id_tenant_id_feature_key_key do nothing;
end;
$$;

comment on function pgledger.open_meters is
  'Makes the meters that events lack, where nothing is wrong with the events.';

revoke all on function pgledger.open_meters from public;
