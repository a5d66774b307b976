/*
Lists the functions of ours whose bodies somebody can check, with who checks them.

  oid, name     the function; the name as psql takes it
  source        its body, as it stands in its file
  validator     the function of its language that checks bodies
  search_path   what it runs with, where it says so itself

Run by `pgledger migrate` to say which body is broken, and inside of check_bodies.sql.

  surface   schema of the public functions and views
*/
select
  pg_proc.oid,
  pg_catalog.format(
    '%I.%I(%s)', pg_namespace.nspname, pg_proc.proname,
    pg_catalog.pg_get_function_identity_arguments(pg_proc.oid)
  ) as name,
  pg_proc.proname as short_name,
  pg_proc.prosrc as source,
  pg_catalog.format('%I.%I', validator_namespace.nspname, validator.proname) as validator,
  (
    select pg_catalog.substr(setting.text, pg_catalog.length('search_path=') + 1)
    from pg_catalog.unnest(pg_proc.proconfig) as setting (text)
    where pg_catalog.starts_with(setting.text, 'search_path=')
  ) as search_path
from pg_catalog.pg_proc
join pg_catalog.pg_namespace on pg_namespace.oid = pg_proc.pronamespace
join pg_catalog.pg_language on pg_language.oid = pg_proc.prolang
join pg_catalog.pg_proc as validator on validator.oid = pg_language.lanvalidator
join pg_catalog.pg_namespace as validator_namespace
  on validator_namespace.oid = validator.pronamespace
join pg_catalog.pg_namespace as private on private.nspname = 'pgledger'
where pg_proc.prokind <> 'a'
  and (
    pg_proc.pronamespace = private.oid
    or (
      pg_namespace.nspname = :surface
      and pg_proc.proowner = private.nspowner
      and (
        pg_catalog.starts_with(pg_proc.proname::text, 'pgledger_')
        or pg_catalog.starts_with(pg_proc.proname::text, 'ledger_')
      )
    )
  )
order by name;
