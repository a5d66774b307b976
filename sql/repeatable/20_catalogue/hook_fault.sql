/*
Why a function must not be called as an app's hook; null if nothing speaks against it. Names rather
than oids are asked for, because a restore makes the function anew.

It is called by functions that run with the rights of our owner, and must never run with these: not
now, and not after somebody has changed it. So it is SECURITY DEFINER, and whoever could replace it
or alter it, because they can act as its owner or as its schema's, can act as our owner anyway.
*/
create or replace function pgledger.hook_fault(hook_schema text, hook_function text)
returns text
language sql
stable
parallel safe
as $$
  with ours as (
    select pg_namespace.nspowner as owner
    from pg_catalog.pg_namespace
    where pg_namespace.nspname = 'pgledger'
  ),

  hook as (
    select
      pg_proc.oid, pg_proc.proowner, pg_proc.prosecdef, pg_namespace.nspname,
      pg_namespace.oid as schema, pg_namespace.nspowner
    from pg_catalog.pg_proc
    inner join pg_catalog.pg_namespace on pg_proc.pronamespace = pg_namespace.oid
    where pg_namespace.nspname = hook_fault.hook_schema
      and pg_proc.proname = hook_fault.hook_function
      and pg_proc.prokind = 'f'
      and pg_proc.proargtypes = pgledger.hook_arguments()
  ),

  stranger as (
    select pg_roles.rolname
    from pg_catalog.pg_roles
    cross join hook
    cross join ours
    where pg_roles.rolcanlogin
      and (
        pg_has_role(pg_roles.oid, hook.proowner, 'MEMBER')
        or pg_has_role(pg_roles.oid, hook.nspowner, 'MEMBER')
      )
      and not pg_has_role(pg_roles.oid, ours.owner, 'MEMBER')
    order by pg_roles.rolname
    limit 1
  )

  select case
    when hook.oid is null
      then 'there is no such function of (text, text, text, text, timestamptz)'
    when hook.nspname = 'pgledger' or hook.nspname ~ '^pg_'
      then 'functions of its schema are not an application''s'
    when not hook.prosecdef then 'it is not SECURITY DEFINER'
    when owner.rolsuper then 'it would run with the rights of a superuser'
    when hook.proowner = ours.owner and with_roles.are_there
      then format('it would run with the rights of %I', owner.rolname)
    when stranger.rolname is not null
      then format('%I could change it', stranger.rolname)
    when not has_schema_privilege(ours.owner, hook.schema, 'USAGE')
      or not has_function_privilege(ours.owner, hook.oid, 'EXECUTE')
      then format('%I may not call it', pg_get_userbyid(ours.owner))
  end
  from ours
  cross join lateral (
    select coalesce(bool_or(schema_history.with_roles), false)
    from pgledger.schema_history
  ) as with_roles (are_there)
  left join hook on true
  left join stranger on true
  left join pg_catalog.pg_roles as owner on hook.proowner = owner.oid
$$;

comment on function pgledger.hook_fault is
  'Why a function must not be called as an app''s hook, or null if nothing speaks against it.';

revoke all on function pgledger.hook_fault from public;
