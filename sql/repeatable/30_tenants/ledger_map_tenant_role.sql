/*
Grants nothing to the role: it only says which rows the views show it.

A role that could see more than one tenant's rows anyway is refused, so that nobody relies on a map
that does not bind it. This looks at the grants of now; it does not prevent later ones. The map
holds names rather than oids, because a restore may create the roles anew.

Checks, in this order: app_id, tenant_id, role_name, whether it is mapped to another tenant.
*/
create or replace function @extschema@.ledger_map_tenant_role(
  role_name name,
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
  v_fault text := pgledger.tenant_role_fault(role_name);
  v_app_id text;
  v_tenant_id text;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  if role_name is null then
    v_ok := pgledger.fail('NullArgument', array['role_name']);
  elsif v_fault is not null then
    v_ok := pgledger.fail('InvalidArgument', array['role_name', quote_literal(role_name), v_fault]);
  end if;

  insert into pgledger.tenant_roles (role_name, app_id, tenant_id)
  values (
    ledger_map_tenant_role.role_name,
    ledger_map_tenant_role.app_id,
    ledger_map_tenant_role.tenant_id
  )
  on conflict on constraint tenant_roles_role_name_pk do nothing;
  if found then
    return;
  end if;

  select tenant_roles.app_id, tenant_roles.tenant_id
  into v_app_id, v_tenant_id
  from pgledger.tenant_roles
  where tenant_roles.role_name = ledger_map_tenant_role.role_name;

  if (v_app_id, v_tenant_id) is distinct from (app_id, tenant_id) then
    v_ok := pgledger.fail(
      'AlreadyExists',
      array[
        'role', quote_literal(role_name),
        format(' by tenant %L%s', v_tenant_id, pgledger.in_app(v_app_id))
      ],
      hint => 'One role stands for one tenant: take another role, or free this one with '
      || 'ledger_unmap_tenant_role.'
    );
  end if;
end;
$$;

comment on function @extschema@.ledger_map_tenant_role is
$$Lets a database role read one tenant's rows.

The role reads through the views ledger_tenant_*, and needs the role
pgledger_tenant besides. Only the owner of pgledger may call this function.
Unmap a role before dropping it. A second call with the same values changes
nothing.

role_name: Name of the database role, which has no other rights on what
  belongs to pgledger than those of pgledger_tenant.
app_id: App of the tenant.
tenant_id: Tenant whose rows the role sees.

Errors: NullArgument, InvalidScope, InvalidArgument (there is no such role, or
  it could see more than one tenant's rows, or write), AlreadyExists (the role
  is mapped to another tenant).$$;

revoke all on function @extschema@.ledger_map_tenant_role from public;
