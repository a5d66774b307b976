/*
Why a database role would see more than one tenant's rows: of the roles that it is, or is a member
of, the first that sees other rows or may give itself such rights. Null if there is none. The role
exists.
*/
create or replace function pgledger.stronger_role_fault(role_name name)
returns text
language plpgsql
stable
parallel safe
as $$
declare
  v_greater record;
begin
  select
    greater.rolname,
    case
      when greater.rolsuper then 'a superuser'
      when greater.rolbypassrls then 'not bound by row security'
      when greater.rolreplication then 'allowed to replicate the whole server'
      when greater.rolcreaterole then 'allowed to make and grant roles'
      when greater.rolname in (select tenant_roles.role_name from pgledger.tenant_roles)
        then 'another tenant''s role'
      when starts_with(greater.rolname, 'pg_') then 'allowed to read or write everything'
      else 'not for tenants'
    end as why
  into v_greater
  from pg_roles as own
  inner join pg_roles as greater on pg_has_role(own.oid, greater.oid, 'MEMBER')
  where own.rolname = stronger_role_fault.role_name
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
      -- Every tenant's role is a member of that one, so it cannot be one tenant's.
      or (greater.rolname = 'pgledger_tenant' and greater.oid = own.oid)
    )
  -- What the role itself is, before what it is a member of.
  order by own.oid <> greater.oid, greater.rolsuper desc, greater.rolname
  limit 1;

  return case
    when v_greater.why is null then null
    when v_greater.rolname = role_name then format('it is %s', v_greater.why)
    else format('it is a member of %I, which is %s', v_greater.rolname, v_greater.why)
  end;
end;
$$;

comment on function pgledger.stronger_role_fault is
  'Says why a database role would see more than one tenant''s rows, or null if it would not.';

revoke all on function pgledger.stronger_role_fault from public;
