/*
Reads who owns pgledger's schema, whether it has a history, whether the current role can act as its
owner or is it, and whether the owner is believed. No row where nothing is installed.

Run by every command of `pgledger` that looks at a database, as the role that is connected.
*/
select
  owner.rolname,
  exists(
    select
    from pg_catalog.pg_class
    where pg_class.relnamespace = pg_namespace.oid
      and pg_class.relname = 'schema_history'
  ),
  pg_catalog.pg_has_role(
    current_user,
    owner.oid,
    -- 16 separated being a member from being allowed to SET ROLE.
    case
      when pg_catalog.current_setting('server_version_num')::integer >= 160000 then 'SET'
      else 'MEMBER'
    end
  ),
  owner.rolname = current_user,
  owner.oid = any(:include_believed_roles)
from pg_catalog.pg_namespace
join pg_catalog.pg_roles as owner on owner.oid = pg_namespace.nspowner
where pg_namespace.nspname = 'pgledger';
