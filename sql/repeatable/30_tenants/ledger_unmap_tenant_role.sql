/*
Takes from a database role what ledger_map_tenant_role gave it; it sees no rows from then on. For
administrators, as that. The role need not exist any more.

Errors: NullArgument.
*/
create or replace function ledger_unmap_tenant_role(role_name name)
returns boolean
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  if role_name is null then
    perform pgledger.fail('NullArgument', array['role_name']);
  end if;

  delete from pgledger.tenant_roles
  where tenant_roles.role_name = ledger_unmap_tenant_role.role_name;
  return found;
end;
$$;

comment on function ledger_unmap_tenant_role is
$$Takes from a database role what mapping gave it.

For administrators only.

[[was: Takes a tenant's rows from a database role again; false if it had none;
for administrators.]]

role_name: The role.

Returns: Whether it was mapped.

Errors: NullArgument.$$;

revoke all on function ledger_unmap_tenant_role from public;
