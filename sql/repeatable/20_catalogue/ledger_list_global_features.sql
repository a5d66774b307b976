/*
Checks, in this order: status, page_size, page_offset.
*/
create or replace function @extschema@.ledger_list_global_features(
  status text default null,
  page_size integer default 100,
  page_offset bigint default 0
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
  from pgledger.features_page('*', status, page_size, page_offset, '') as features
$$;

comment on function @extschema@.ledger_list_global_features is
$$Returns a page of the features of all apps, the oldest first.

The order is that of their ids, which for generated ids is that of creation.

status: Which ones; one of: active, archived; null for both.
page_size: How many at most, 1 to 10,000.
page_offset: How many to leave out before them, 0 or more.

Returns: The features of the page.

Errors: NullArgument, InvalidArgument (there is no such status), InvalidPage.$$;

revoke all on function @extschema@.ledger_list_global_features from public;
grant execute on function @extschema@.ledger_list_global_features to pgledger_reader;
