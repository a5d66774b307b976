/*
Refuses an app or a tenant that the catalogue cannot have. The empty tenant stands for the whole
app. The app * stands for all apps: only features can belong to it, and it has no tenants.

Errors: NullArgument, InvalidScope.
*/
create or replace function pgledger.check_catalogue_scope(
  app_id text,
  tenant_id text default '',
  all_apps_allowed boolean default false
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  if not all_apps_allowed or (app_id = '*') is not true then
    v_ok := pgledger.check_app(app_id);
  end if;

  v_ok := pgledger.check_scope('tenant_id', tenant_id);

  if app_id = '*' and tenant_id <> '' then
    v_ok := pgledger.fail(
      'InvalidScope',
      array[
        'tenant_id',
        quote_literal(pgledger.abridged(tenant_id)),
        'what belongs to all apps belongs to no tenant'
      ]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_catalogue_scope is
  'Raises NullArgument or InvalidScope unless both can name an app, or all apps where that is '
  'allowed, and a tenant of it or the whole app.';

revoke all on function pgledger.check_catalogue_scope from public;
