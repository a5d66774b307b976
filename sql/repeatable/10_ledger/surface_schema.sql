/*
The schema of the public functions and views: that of the type that verify_access returns.
*/
create or replace function pgledger.surface_schema()
returns name
language sql
stable
parallel safe
as $$
  select pg_namespace.nspname
  from pg_catalog.pg_proc
  inner join pg_catalog.pg_type on pg_proc.prorettype = pg_type.oid
  inner join pg_catalog.pg_namespace on pg_type.typnamespace = pg_namespace.oid
  where pg_proc.oid = 'pgledger.verify_access()'::regprocedure
$$;

comment on function pgledger.surface_schema is
  'The schema of the public functions and views.';

revoke all on function pgledger.surface_schema from public;
