/*
An entitlement that is being worked out at this moment is not served either: it remembers the
version from before.
Locks: the tenant's row.
*/
create or replace function @extschema@.ledger_invalidate_tenant_entitlements(
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
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  update pgledger.tenants
  set cache_version = tenants.cache_version + 1
  where tenants.app_id = ledger_invalidate_tenant_entitlements.app_id
    and tenants.tenant_id = ledger_invalidate_tenant_entitlements.tenant_id;
  if found then
    return;
  end if;
  -- Only where there is no row: each attempt to insert uses up a key, and there are not many.
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

comment on function @extschema@.ledger_invalidate_tenant_entitlements is
$$Forgets the remembered entitlements of a tenant.

What pgledger itself changes needs no such call: that is seen anyway.

app_id: App.
tenant_id: Tenant whose they are.

Errors: NullArgument, InvalidScope.$$;

revoke all on function @extschema@.ledger_invalidate_tenant_entitlements from public;
grant execute on function @extschema@.ledger_invalidate_tenant_entitlements to pgledger_poster;
