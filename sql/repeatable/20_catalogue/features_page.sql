/*
A page of the features of an app, or of all apps, in the order of their ids.

Checks, in this order: app_id, tenant_id, status, page_size, page_offset.
Errors: NullArgument, InvalidScope, InvalidArgument, InvalidPage.
*/
create or replace function pgledger.features_page(
  app_id text,
  status text,
  page_size integer,
  page_offset bigint,
  tenant_id text
)
returns setof @extschema@.ledger_feature
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(
    app_id, coalesce(tenant_id, ''), all_apps_allowed => true
  );
  if status is not null then
    v_ok := pgledger.check_choice('status', status, array['active', 'archived']);
  end if;
  v_ok := pgledger.check_page(page_size, page_offset);

  return query
  select
    features.id, features.app_id, features.tenant_id, features.key, features.name,
    features.description, features.type, features.aggregation, features.unique_key,
    features.status, features.version, features.metadata, features.created_at,
    features.updated_at, features.default_limit, features.default_period,
    features.default_soft_limit
  from pgledger.features
  where features.app_id = features_page.app_id
    and (features_page.status is null or features.status = features_page.status)
    and (
      features_page.tenant_id is null or features.tenant_id in (features_page.tenant_id, '')
    )
  order by features.id
  limit features_page.page_size
  offset features_page.page_offset;
end;
$$;

comment on function pgledger.features_page is
  'A page of the features of an app or of all apps; raises what is wrong with the arguments.';

revoke all on function pgledger.features_page from public;
