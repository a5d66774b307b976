/*
Reads who owns pgledger's schema, whether it is ours, and whether the current role can act as its
owner or is it. No row where nothing is installed.

Run by every command of `pgledger` that looks at a database, as the role that is connected.
*/
select
  pg_catalog.pg_get_userbyid(pg_namespace.nspowner),
  exists(
    select
    from pg_catalog.pg_class
    where pg_class.relnamespace = pg_namespace.oid
      and pg_class.relname = 'schema_history'
  ),
  pg_catalog.pg_has_role(
    current_user,
    pg_namespace.nspowner,
    -- 16 separated being a member from being allowed to SET ROLE.
    case
      when pg_catalog.current_setting('server_version_num')::integer >= 160000 then 'SET'
      else 'MEMBER'
    end
  ),
  pg_namespace.nspowner = (
    select pg_roles.oid
    from pg_catalog.pg_roles
    where pg_roles.rolname = current_user
  )
from pg_catalog.pg_namespace
where pg_namespace.nspname = 'pgledger';
