/*
Lists those of some roles that exist, with whether each has been granted both privileges of a link
itself: what it has as a member of another role may be taken from it with the membership.

Run by `pgledger migrate --link` and `pgledger plan --link`, as the role that migrates.

  roles   names of roles
*/
select
  pg_roles.rolname,
  exists (
    select
    from pg_catalog.pg_namespace
    cross join pg_catalog.aclexplode(pg_namespace.nspacl) as acl
    where pg_namespace.nspname = 'pgledger'
      and acl.grantee = pg_roles.oid
      and acl.privilege_type = 'USAGE'
  )
  and exists (
    select
    from pg_catalog.pg_attribute
    join pg_catalog.pg_class on pg_class.oid = pg_attribute.attrelid
    join pg_catalog.pg_namespace on pg_namespace.oid = pg_class.relnamespace
    cross join pg_catalog.aclexplode(pg_attribute.attacl) as acl
    where pg_namespace.nspname = 'pgledger'
      and pg_class.relname = 'accounts'
      and pg_attribute.attname = 'id'
      and acl.grantee = pg_roles.oid
      and acl.privilege_type = 'REFERENCES'
  )
from pg_catalog.pg_roles
where pg_roles.rolname = any(:roles);
