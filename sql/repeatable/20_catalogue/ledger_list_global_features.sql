/*
One page of the features of all apps, by id.

Errors: NullArgument, InvalidArgument, InvalidPage.
*/
create or replace function ledger_list_global_features(
  status text default null,
  page_size integer default 100,
  page_offset bigint default 0
)
returns setof ledger_feature
language sql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
  select
    features.id, features.app_id, features.tenant_id, features.key, features.name,
    features.description, features.type, features.aggregation, features.unique_key,
    features.status, features.version, features.metadata, features.created_at,
    features.updated_at
  from pgledger.features_page('*', status, page_size, page_offset, '') as features
$$;

comment on function ledger_list_global_features is
  'One page of the features that belong to all apps, by id. status: active, archived, or null for '
  'both. page_size: 1 to 10000. page_offset: rows to leave out. Errors: NullArgument, '
  'InvalidArgument, InvalidPage.';

revoke all on function ledger_list_global_features from public;
grant execute on function ledger_list_global_features to pgledger_reader;
