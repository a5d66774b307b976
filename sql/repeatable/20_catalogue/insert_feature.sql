/*
Writes a new feature, and returns whether it is new: neither its id nor its key was taken.
*/
create or replace function pgledger.insert_feature(
  feature pgledger.features,
  now timestamptz
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_constraint text;
begin
  insert into pgledger.features (
    id, app_id, tenant_id, key, name, description, type, aggregation, unique_key, metadata,
    created_at, updated_at, default_limit, default_period, default_soft_limit
  )
  values (
    feature.id, feature.app_id, feature.tenant_id, feature.key, feature.name, feature.description,
    feature.type, feature.aggregation, feature.unique_key, feature.metadata, now, now,
    feature.default_limit, feature.default_period, feature.default_soft_limit
  )
  on conflict on constraint features_id_pk do nothing;
  return found;
exception
  when unique_violation then
    get stacked diagnostics v_constraint = constraint_name;
    if v_constraint is distinct from 'features_app_id_tenant_id_key_key' then
      raise;
    end if;
    return false;
end;
$$;

comment on function pgledger.insert_feature is
  'Writes a new feature, and returns whether neither its id nor its key was taken.';

revoke all on function pgledger.insert_feature from public;
