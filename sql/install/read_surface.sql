/*
Finds the schema that the public functions and views are in, by a view of ours that reads our table:
a name alone anybody can take. No row where there is no such view.

Run by every command of `pgledger` that looks at a database, as the role that is connected.
*/
select namespace.nspname
from pg_catalog.pg_class as view
join pg_catalog.pg_namespace as namespace on namespace.oid = view.relnamespace
join pg_catalog.pg_namespace as private on private.nspname = 'pgledger'
join pg_catalog.pg_class as accounts
  on accounts.relnamespace = private.oid
  and accounts.relname = 'accounts'
join pg_catalog.pg_rewrite as rule on rule.ev_class = view.oid
join pg_catalog.pg_depend as dependency
  on dependency.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
  and dependency.objid = rule.oid
  and dependency.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  and dependency.refobjid = accounts.oid
where view.relkind = 'v'
  and view.relname = 'pgledger_accounts_v1'
  and view.relowner = private.nspowner
order by view.oid
limit 1;
