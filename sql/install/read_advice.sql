/*
Lists what deserves attention about who else gets at an installation, or does not. One row each:

  topic   'server': others may come from another database of the server with the same roles;
          'surface': others may make or drop functions where ours are called;
          'backup': a role reads all tables but not all rows
  names   whom or what it is about

Run by `pgledger status`, as the role that is connected.

  surface   schema of the public functions and views
*/
with private as (
  select
    pg_namespace.oid,
    pg_namespace.nspowner as owner
  from pg_catalog.pg_namespace
  where pg_namespace.nspname = 'pgledger'
),

surface as (
  select
    pg_namespace.nspname as name,
    pg_namespace.nspowner as owner,
    pg_namespace.nspacl as acl
  from pg_catalog.pg_namespace
  where pg_namespace.nspname = :surface
),

-- Another database has the roles where something in it belongs to the owner or is granted by it.
neighbour as (
  select distinct pg_database.datname as name
  from private
  join pg_catalog.pg_shdepend
    on pg_shdepend.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
    and pg_shdepend.refobjid = private.owner
  join pg_catalog.pg_database on pg_database.oid = pg_shdepend.dbid
  where pg_catalog.pg_get_userbyid(private.owner) = 'pgledger_owner'
    and pg_database.datname <> pg_catalog.current_database()
),

reader as (
  select pg_roles.rolname as name
  from pg_catalog.pg_roles
  cross join private
  where pg_roles.rolcanlogin
    and not pg_roles.rolsuper
    and not pg_roles.rolbypassrls
    and pg_catalog.pg_has_role(pg_roles.oid, 'pg_read_all_data', 'USAGE')
    -- Row security does not bind the owner.
    and not pg_catalog.pg_has_role(pg_roles.oid, private.owner, 'USAGE')
    and exists (
      select
      from pg_catalog.pg_class
      where pg_class.relnamespace = private.oid and pg_class.relrowsecurity
    )
)

select
  'server' as topic,
  pg_catalog.array_agg(neighbour.name::pg_catalog.text order by neighbour.name) as names
from neighbour
where pg_catalog.has_database_privilege(
  'public', pg_catalog.current_database()::pg_catalog.text, 'connect'
)
having pg_catalog.count(*) > 0
union all
select
  'surface',
  array[pg_catalog.pg_get_userbyid(surface.owner)::pg_catalog.text]
from surface
where surface.owner <> all(:include_believed_roles)
union all
select
  'surface',
  array['PUBLIC']
from surface
where exists (
  select
  from pg_catalog.aclexplode(surface.acl) as acl
  where acl.grantee = 0::pg_catalog.oid and acl.privilege_type = 'CREATE'
)
union all
select
  'backup',
  pg_catalog.array_agg(reader.name::pg_catalog.text order by reader.name)
from reader
having pg_catalog.count(*) > 0;
