/*
Rights that our roles are to have and do not have, and the use of the schema that the public
functions are in, without which no right on them is worth anything. That schema need not be ours, so
only whoever may grant it can put it right.
*/
create or replace function pgledger.rights_missing(surface name, with_roles boolean)
returns table (aspect text, fault text, statement text, mended_by text)
language sql
stable
parallel safe
as $$
  select
    'rights',
    format('%s may not %s the %s %s', w.role_name, said.words, w.kind, w.subject),
    format(
      'grant %s on %s %s to %I',
      w.verb, case w.kind when 'view' then 'table' else w.kind end, w.subject, w.role_name
    ),
    'owner'
  from pgledger.rights_wanted(rights_missing.surface, rights_missing.with_roles) as w
  cross join lateral pgledger.right_words(w.verb) as said (words)
  left join pgledger.rights_held(rights_missing.surface) as held
    on (w.kind, w.place, w.name) = (held.kind, held.place, held.name)
    and w.grantee = held.grantee
    and w.verb = held.verb
    and held.column_name is null
  where held.oid is null
  union all
  select
    'rights',
    format('%s may not use the schema %I', pg_roles.rolname, pg_namespace.nspname),
    format('grant usage on schema %I to %I', pg_namespace.nspname, pg_roles.rolname),
    'migrator'
  from pg_catalog.pg_namespace
  cross join pg_catalog.pg_roles
  where rights_missing.with_roles
    and pg_namespace.nspname = rights_missing.surface
    and pg_roles.rolname in (
      'pgledger_owner', 'pgledger_poster', 'pgledger_reader', 'pgledger_auditor', 'pgledger_tenant'
    )
    and not has_schema_privilege(pg_roles.oid, pg_namespace.oid, 'usage')
$$;

comment on function pgledger.rights_missing is
  'Rights that our roles are to have and do not have, with what grants them.';

revoke all on function pgledger.rights_missing from public;
