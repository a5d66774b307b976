/*
Makes everything cached for a tenant unservable, also what is being worked out at this moment.
Locks: the tenant's row.
Errors: NullArgument, InvalidScope.
*/
create or replace function ledger_invalidate_tenant_entitlements(
  app_id text,
  tenant_id text
)
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  update pgledger.tenants
  set cache_version = tenants.cache_version + 1
  where tenants.app_id = ledger_invalidate_tenant_entitlements.app_id
    and tenants.tenant_id = ledger_invalidate_tenant_entitlements.tenant_id;
  if found then
    return;
  end if;
  -- Each attempt takes a number, of which there are not many.
  insert into pgledger.tenants (app_id, tenant_id, cache_version)
  values (
    ledger_invalidate_tenant_entitlements.app_id,
    ledger_invalidate_tenant_entitlements.tenant_id,
    1
  )
  on conflict on constraint tenants_app_id_tenant_id_key do update
  set cache_version = tenants.cache_version + 1;
end;
$$;

comment on function ledger_invalidate_tenant_entitlements is
$$Forgets a tenant's remembered answers.

[[was: Stops serving whatever is cached of a tenant's entitlements. What
pgledger itself changes does that by itself.]]

app_id: App.
tenant_id: Whose.

Returns: [[?]]

Errors: NullArgument, InvalidScope.$$;

revoke all on function ledger_invalidate_tenant_entitlements from public;
grant execute on function ledger_invalidate_tenant_entitlements to pgledger_poster;
