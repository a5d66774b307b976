/*
Does not look whether the role exists: its name may be left over from one that was dropped.
*/
create or replace function @extschema@.ledger_unmap_tenant_role(role_name name)
returns boolean
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  if role_name is null then
    v_ok := pgledger.fail('NullArgument', array['role_name']);
  end if;

  delete from pgledger.tenant_roles
  where tenant_roles.role_name = ledger_unmap_tenant_role.role_name;
  return found;
end;
$$;

comment on function @extschema@.ledger_unmap_tenant_role is
$$Takes back what ledger_map_tenant_role gave a database role.

Only the owner of pgledger may call this function. The role need not exist any
more.

role_name: Name of the database role.

Returns: Whether it was mapped.

Errors: NullArgument.$$;

revoke all on function @extschema@.ledger_unmap_tenant_role from public;
