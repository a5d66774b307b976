/*
Reads which versioned files made the schema, from the body of pgledger.versioned_files(). The body
comes with a dump of the schema alone, which leaves the rows of the history out.

The function is not called: whoever asks may be a superuser, and somebody else may have made it. It
counts if it belongs to the schema's owner.

Run by every command of `pgledger` that finds an empty history, as the role that is connected.
*/
select
  written.found[1] as name,
  written.found[2] as sha256
from pg_catalog.pg_proc
join pg_catalog.pg_namespace on pg_namespace.oid = pg_proc.pronamespace
cross join pg_catalog.regexp_matches(
  pg_proc.prosrc, '''(migrations/[0-9]{4}_[a-z0-9_]+[.]sql)'',[^'']+''([0-9a-f]{64})''', 'g'
) as written (found)
where pg_namespace.nspname = 'pgledger'
  and pg_proc.proname = 'versioned_files'
  and pg_proc.pronargs = 0
  and pg_proc.proowner = pg_namespace.nspowner
order by written.found[1] collate "C";
