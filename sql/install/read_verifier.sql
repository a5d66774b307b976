/*
Finds the functions that verify the books: whether each is ours and runs with its owner's rights, so
that nothing in it can act as the role that calls it; and whether that role may call it. No row for
one that does not exist. Functions of the same names with other arguments are not looked at.

Run by `pgledger verify`, as the role that is connected.

  surface   schema of the public functions and views
*/
select
  pg_proc.proname::pg_catalog.text,
  pg_proc.prosecdef
  and pg_proc.prokind = 'f'
  and (pg_proc.proowner = private.nspowner or owner.rolsuper),
  pg_catalog.has_schema_privilege(pg_namespace.oid, 'usage')
  and pg_catalog.has_function_privilege(pg_proc.oid, 'execute')
from pg_catalog.pg_proc
join pg_catalog.pg_namespace on pg_namespace.oid = pg_proc.pronamespace
join pg_catalog.pg_namespace as private on private.nspname = 'pgledger'
join pg_catalog.pg_roles as owner on owner.oid = pg_proc.proowner
where pg_namespace.nspname = :surface
  and (pg_proc.proname, pg_catalog.oidvectortypes(pg_proc.proargtypes)) in (
    ('pgledger_verify', 'text'),
    ('pgledger_verify_slice', 'text, integer'),
    ('pgledger_verify_rest', '')
  );
