/*
Lists what stores values of types of ours: columns of tables, partitioned tables and materialized
views, indexed expressions, and tables of such a type. PostgreSQL refuses to change a column of the
type of a stored value, and to add one to the type of a table: each may stop an upgrade.

The search is PostgreSQL's own before it changes a type: from the type to its arrays, domains and
ranges, and to composite types, views and foreign tables with a column of one of them. Partitions
are left out, as the table that they are of stands for them.

  name   schema, table and column as SQL takes them; no column where the table is of the type
  type   name of the type

Run by `pgledger plan`.

  surface   schema of the public functions and views
*/
with recursive result as (
  select
    pg_class.relname as name,
    pg_class.reltype as type_id
  from pg_catalog.pg_class
  join pg_catalog.pg_namespace on pg_namespace.oid = pg_class.relnamespace
  join pg_catalog.pg_namespace as private on private.nspname = 'pgledger'
  where pg_class.relkind = 'c'
    and pg_namespace.nspname = :surface
    and pg_class.relowner = private.nspowner
    and (
      pg_catalog.starts_with(pg_class.relname::text, 'pgledger_')
      or pg_catalog.starts_with(pg_class.relname::text, 'ledger_')
    )
),

container as (
  select
    result.name,
    result.type_id
  from result
  union
  select
    container.name,
    case
      when pg_depend.classid = 'pg_catalog.pg_type'::pg_catalog.regclass then pg_depend.objid
      else holder.reltype
    end
  from container
  join pg_catalog.pg_depend
    on pg_depend.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
    and pg_depend.refobjid = container.type_id
  left join pg_catalog.pg_class as holder
    on pg_depend.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    and holder.oid = pg_depend.objid
    and holder.relkind in ('c', 'v', 'f')
  where pg_depend.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
    or holder.oid is not null
),

stored as (
  select
    container.name,
    holder.oid as holder_id,
    pg_attribute.attname as column_name
  from container
  join pg_catalog.pg_depend
    on pg_depend.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
    and pg_depend.refobjid = container.type_id
    and pg_depend.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
  join pg_catalog.pg_class as holder
    on holder.oid = pg_depend.objid
    and holder.relkind in ('r', 'p', 'm', 'i', 'I')
  join pg_catalog.pg_attribute
    on pg_attribute.attrelid = holder.oid
    and pg_attribute.atttypid = container.type_id
    and pg_attribute.attnum > 0
    -- An index depends as a whole on what its expressions are of.
    and pg_depend.objsubid in (0, pg_attribute.attnum)
  union
  select
    result.name,
    typed.oid,
    null
  from result
  join pg_catalog.pg_class as typed on typed.reloftype = result.type_id
)

select
  pg_catalog.format('%I.%I', pg_namespace.nspname, holder.relname)
  || coalesce('.' || pg_catalog.quote_ident(stored.column_name), '') as name,
  stored.name as type
from stored
join pg_catalog.pg_class as holder on holder.oid = stored.holder_id
join pg_catalog.pg_namespace on pg_namespace.oid = holder.relnamespace
where not holder.relispartition
  and pg_namespace.nspname <> 'pgledger'
order by name, type;
