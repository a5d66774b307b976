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
$$Returns an app's features, the newest last.

[[was: One page of the features of an app, by id.]]

app_id: App that they belong to.
status: active or archived; null for both. [[was: active, archived, or null
  for both.]], or null.
page_size: How many at most, 1 to 10,000. [[was: 1 to 10000.]]
page_offset: How many to leave out before them. [[was: rows to leave out.]]
tenant_id: null for all of the app; the empty text for those that are for all
  tenants; a tenant's for its own and these. [[was: null for the whole app's
  and every tenant's, empty for the whole app's alone, otherwise that tenant's
  and the whole app's.]], or null.

Returns: [[?]]

Errors: NullArgument, InvalidScope, InvalidArgument (there is no such status),
  InvalidPage.$$;

revoke all on function ledger_list_features from public;
grant execute on function ledger_list_features to pgledger_reader;
