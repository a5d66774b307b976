/*
Reads which versioned files made the schema, from the body of pgledger.versioned_files(), and
whether it was made with roles of pgledger's own, from whom its policies are for. Both come with a
dump of the schema alone, which leaves the rows of the history out, and mostly owners and grants.

The function is not called: whoever asks may be a superuser, and somebody else may have made it. It
counts if it belongs to the schema's owner.

Run by every command of `pgledger` that finds an empty history, as the role that is connected.
*/
select
  written.found[1] as name,
  written.found[2] as sha256,
  exists(
    select
    from pg_catalog.pg_policy
    join pg_catalog.pg_class on pg_class.oid = pg_policy.polrelid
    join pg_catalog.pg_roles on pg_roles.oid = any(pg_policy.polroles)
    where pg_class.relnamespace = pg_namespace.oid
      and pg_roles.rolname = 'pgledger_tenant_views'
  ) as with_roles
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
