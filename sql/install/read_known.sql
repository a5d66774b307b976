/*
Lists what the two schemas hold before a migration: on objects that are none of these nobody can
have been granted anything yet.

Run by `pgledger migrate` before its first file.

  surface   schema of the public functions and views
*/
select object.oid
from (
  select
    pg_class.oid,
    pg_class.relnamespace
  from pg_catalog.pg_class
  union all
  select
    pg_proc.oid,
    pg_proc.pronamespace
  from pg_catalog.pg_proc
  union all
  select
    pg_type.oid,
    pg_type.typnamespace
  from pg_catalog.pg_type
  union all
  select
    pg_namespace.oid,
    pg_namespace.oid
  from pg_catalog.pg_namespace
) as object (oid, namespace)
join pg_catalog.pg_namespace on pg_namespace.oid = object.namespace
where pg_namespace.nspname in ('pgledger', :surface);
