/*
Lets a database role read what the views ledger_tenant_* show of a tenant. For administrators: only
the owner of pgledger may call it, and it grants nothing; the role needs pgledger_tenant besides.

A role that could see more than one tenant's rows anyway is refused, so that nobody relies on a map
that does not bind it. That is a look at how things stand, and no guard for what is granted later.
The map holds names, as the roles may be made anew after a restore: unmap a role before dropping it.

Repeating a call changes nothing. A role that is mapped to another tenant has to be unmapped first.

Errors: NullArgument, InvalidScope, InvalidArgument, AlreadyExists.
*/
create or replace function ledger_map_tenant_role(
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
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  if role_name is null then
    perform pgledger.fail('NullArgument', array['role_name']);
  elsif v_fault is not null then
    perform pgledger.fail('InvalidArgument', array['role_name', quote_literal(role_name), v_fault]);
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
    perform pgledger.fail(
      'AlreadyExists',
      array[
        'role', quote_literal(role_name),
        format(' by tenant %L%s', v_tenant_id, pgledger.in_app(v_app_id))
      ]
    );
  end if;
end;
$$;

comment on function ledger_map_tenant_role is
$$Lets a database role read a tenant's rows.

For administrators only. The role reads through the views ledger_tenant_*.

[[was: Lets a database role read a tenant's rows through the views
ledger_tenant_*; for administrators. The role is to be granted
pgledger_tenant, too.]]

role_name: The role.
app_id: App of the tenant.
tenant_id: The tenant.

Returns: [[?]]

Errors: NullArgument, InvalidScope, InvalidArgument (there is no such role, or
  it may be more than a tenant), AlreadyExists (the role is mapped to another
  tenant. psycopg.errors.InsufficientPrivilege: The connection's role is no
  administrator).$$;

revoke all on function ledger_map_tenant_role from public;
