/*
The feature with that id as applications see it, or null.
*/
create or replace function pgledger.feature_with_id(id text)
returns @extschema@.ledger_feature
language sql
stable
parallel safe
as $$
  select
    features.id, features.app_id, features.tenant_id, features.key, features.name,
    features.description, features.type, features.aggregation, features.unique_key,
    features.status, features.version, features.metadata, features.created_at,
    features.updated_at, features.default_limit, features.default_period,
    features.default_soft_limit
  from pgledger.features
  where features.id = feature_with_id.id
$$;

comment on function pgledger.feature_with_id is
  'The feature with that id as applications see it, or null.';

revoke all on function pgledger.feature_with_id from public;
