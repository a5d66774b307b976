/*
Why a database role cannot be a tenant's; null if it can. It must not be, or be able to become, a
role that sees other tenants' rows, writes, or may make itself such a one; nor may another tenant's
role be able to become it.
*/
create or replace function pgledger.tenant_role_fault(role_name name)
returns text
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text;
  v_member name;
begin
  if not exists (
    select from pg_roles where pg_roles.rolname = tenant_role_fault.role_name
  ) then
    return 'there is no such role';
  end if;

  v_fault := coalesce(
    pgledger.stronger_role_fault(role_name), pgledger.granted_role_fault(role_name)
  );
  if v_fault is not null then
    return v_fault;
  end if;

  v_member := (
    select pg_roles.rolname
    from pgledger.tenant_roles
    inner join pg_roles on tenant_roles.role_name = pg_roles.rolname
    where tenant_roles.role_name <> tenant_role_fault.role_name
      and pg_has_role(pg_roles.oid, tenant_role_fault.role_name, 'MEMBER')
    order by pg_roles.rolname
    limit 1
  );
  if v_member is not null then
    v_fault := format('%I, which is another tenant''s role, is a member of it', v_member);
  end if;
  return v_fault;
end;
$$;

comment on function pgledger.tenant_role_fault is
  'Says why a database role cannot be a tenant''s, or null if it can.';

revoke all on function pgledger.tenant_role_fault from public;
