/*
Checks, in this order: app_id, tenant_id, status, page_size, page_offset.
*/
create or replace function @extschema@.ledger_list_features(
  app_id text,
  status text default null,
  page_size integer default 100,
  page_offset bigint default 0,
  tenant_id text default null
)
returns setof @extschema@.ledger_feature
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
    features.updated_at, features.default_limit, features.default_period,
    features.default_soft_limit
  from pgledger.features_page(app_id, status, page_size, page_offset, tenant_id) as features
$$;

comment on function @extschema@.ledger_list_features is
$$Returns a page of an app's features, the oldest first.

The order is that of their ids, which for generated ids is that of creation.

app_id: App that they belong to; * for those of all apps.
status: Which ones; one of: active, archived; null for both.
page_size: How many at most, 1 to 10,000.
page_offset: How many to leave out before them, 0 or more.
tenant_id: Tenant whose own ones are listed, with those for all tenants; the
  empty text for the latter alone; null for every tenant's.

Returns: The features of the page.

Errors: NullArgument, InvalidScope, InvalidArgument (there is no such status),
  InvalidPage.$$;

revoke all on function @extschema@.ledger_list_features from public;
grant execute on function @extschema@.ledger_list_features to pgledger_reader;
