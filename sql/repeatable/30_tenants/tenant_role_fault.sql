/*
Why a database role cannot be a tenant's; null if it can. It must not be, or be able to become, a
role that sees other tenants' rows or may make itself such a one.
*/
create or replace function pgledger.tenant_role_fault(role_name name)
returns text
language plpgsql
stable
parallel safe
as $$
declare
  v_greater record;
begin
  if not exists (
    select from pg_roles where pg_roles.rolname = tenant_role_fault.role_name
  ) then
    return 'there is no such role';
  end if;

  select
    greater.rolname,
    case
      when greater.rolsuper then 'a superuser'
      when greater.rolbypassrls then 'not bound by row security'
      when greater.rolreplication then 'allowed to replicate the whole server'
      when greater.rolcreaterole then 'allowed to make and grant roles'
      when greater.rolname in (select tenant_roles.role_name from pgledger.tenant_roles)
        then 'another tenant''s role'
      when greater.rolname like 'pg\_%' then 'allowed to read or write everything'
      else 'not for tenants'
    end as why
  into v_greater
  from pg_roles as own
  inner join pg_roles as greater on pg_has_role(own.oid, greater.oid, 'MEMBER')
  where own.rolname = tenant_role_fault.role_name
    and (
      greater.rolsuper
      or greater.rolbypassrls
      or greater.rolreplication
      or greater.rolcreaterole
      or greater.oid = (
        select pg_namespace.nspowner from pg_namespace where pg_namespace.nspname = 'pgledger'
      )
      or greater.rolname in (
        'pgledger_owner', 'pgledger_poster', 'pgledger_reader', 'pgledger_auditor',
        'pgledger_tenant_views', 'pg_read_all_data', 'pg_write_all_data',
        'pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program',
        'pg_monitor', 'pg_read_all_stats', 'pg_signal_backend'
      )
      -- Owns the schema public, and with it what is called there.
      or greater.oid = (
        select pg_database.datdba
        from pg_database
        where pg_database.datname = current_database()
      )
      or (
        greater.oid <> own.oid
        and greater.rolname in (select tenant_roles.role_name from pgledger.tenant_roles)
      )
      -- What every tenant's role is a member of must be nobody's.
      or (greater.rolname = 'pgledger_tenant' and greater.oid = own.oid)
    )
  -- What the role itself is, before what it is a member of.
  order by own.oid <> greater.oid, greater.rolsuper desc, greater.rolname
  limit 1;

  if not found then
    select pg_roles.rolname
    into v_greater
    from pgledger.tenant_roles
    inner join pg_roles on tenant_roles.role_name = pg_roles.rolname
    where tenant_roles.role_name <> tenant_role_fault.role_name
      and pg_has_role(pg_roles.oid, tenant_role_fault.role_name, 'MEMBER')
    order by pg_roles.rolname
    limit 1;
    if not found then
      return null;
    end if;
    return format('%I, which is another tenant''s role, is a member of it', v_greater.rolname);
  elsif v_greater.rolname = role_name then
    return format('it is %s', v_greater.why);
  end if;
  return format('it is a member of %I, which is %s', v_greater.rolname, v_greater.why);
end;
$$;

comment on function pgledger.tenant_role_fault is
  'Says why a database role cannot be a tenant''s, or null if it can.';

revoke all on function pgledger.tenant_role_fault from public;
