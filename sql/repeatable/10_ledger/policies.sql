/*
The row-security policies of the private tables, in words of which a policy can be made again. Line
ends differ between expressions that say the same, so they are not kept.
*/
create or replace function pgledger.policies()
returns table (place text, name text, roles oid[], detail text)
language sql
stable
parallel safe
as $$
  select
    pg_class.relname::text,
    pg_policy.polname::text,
    pg_policy.polroles,
    format(
      'as %s for %s to %s using (%s)%s',
      case when pg_policy.polpermissive then 'permissive' else 'restrictive' end,
      case pg_policy.polcmd::text
        when 'r' then 'select'
        when 'a' then 'insert'
        when 'w' then 'update'
        when 'd' then 'delete'
        else 'all'
      end,
      -- Where the role is written in.
      '%I',
      regexp_replace(
        coalesce(pg_get_expr(pg_policy.polqual, pg_policy.polrelid), 'true'),
        '[[:space:]]+', ' ', 'g'
      ),
      ' with check (' || pg_get_expr(pg_policy.polwithcheck, pg_policy.polrelid) || ')'
    )
  from pg_catalog.pg_policy
  inner join pg_catalog.pg_class on pg_policy.polrelid = pg_class.oid
  inner join pg_catalog.pg_namespace on pg_class.relnamespace = pg_namespace.oid
  where pg_namespace.nspname = 'pgledger'
$$;

comment on function pgledger.policies is
  'Row-security policies of the private tables, with the words to make each.';

revoke all on function pgledger.policies from public;
