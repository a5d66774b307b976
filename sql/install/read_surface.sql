/*
Finds the schema that the public functions and views are in, by a type there that a private function
returns: a name alone anybody can take. No row where there is no such function yet.

Run by every command of `pgledger` that looks at a database, as the role that is connected.
*/
select namespace.nspname
from pg_catalog.pg_namespace as private
join pg_catalog.pg_proc as verifying
  on verifying.pronamespace = private.oid
  and verifying.proname = 'verify_guards'
join pg_catalog.pg_type as result on result.oid = verifying.prorettype
join pg_catalog.pg_namespace as namespace on namespace.oid = result.typnamespace
where private.nspname = 'pgledger'
order by verifying.oid
limit 1;
