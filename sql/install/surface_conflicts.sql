/*
Lists objects in the surface's schema that bear names of ours, in a database that has nothing of
pgledger: they are somebody else's, and are not mixed with. One more than five tells that there are
more.

Run by `pgledger migrate` and `pgledger plan` for a new database, and by guard.sql.

  surface   schema of the public functions and views
  names     names of ours that do not begin with pgledger_
*/
select
  object.kind,
  object.name
from (
  select
    'table or view' as kind,
    pg_class.relname as name,
    pg_class.relnamespace as namespace
  from pg_catalog.pg_class
  where pg_class.relkind in ('r', 'v', 'm', 'p', 'f', 'S')
  union all
  select distinct
    'function',
    pg_proc.proname,
    pg_proc.pronamespace
  from pg_catalog.pg_proc
  union all
  -- Rows of tables and views have types of their names, which stand for them above.
  select
    'type',
    pg_type.typname,
    pg_type.typnamespace
  from pg_catalog.pg_type
  left join pg_catalog.pg_class on pg_class.oid = pg_type.typrelid
  where pg_class.oid is null or pg_class.relkind = 'c'
) as object
join pg_catalog.pg_namespace on pg_namespace.oid = object.namespace
where pg_namespace.nspname = :surface
  and (pg_catalog.starts_with(object.name::text, 'pgledger_') or object.name = any(:names))
order by object.name
limit 6;
