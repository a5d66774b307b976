/*
One page of an app's features, oldest first: by id, which for generated ids is the order of
creation.

Errors: NullArgument, InvalidScope, InvalidArgument, InvalidPage.
*/
create or replace function ledger_list_features(
  app_id text,
  status text default null,
  page_size integer default 100,
  page_offset bigint default 0,
  tenant_id text default null
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
  from pgledger.features_page(app_id, status, page_size, page_offset, tenant_id) as features
$$;

comment on function ledger_list_features is
  'One page of the features of an app, by id. status: active, archived, or null for both. '
  'page_size: 1 to 10000. page_offset: rows to leave out. tenant_id: null for the whole app''s and '
  'every tenant''s, empty for the whole app''s alone, otherwise that tenant''s and the whole '
  'app''s. Errors: NullArgument, InvalidScope, InvalidArgument, InvalidPage.';

revoke all on function ledger_list_features from public;
grant execute on function ledger_list_features to pgledger_reader;
