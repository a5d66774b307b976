/*
What is missing, and what belongs to somebody else than it should: to pgledger's own roles, or, in a
database without them, to whoever owns the private schema. The schema comes first, because what is
in it can only be handed to a role that may create there.
*/
create or replace function pgledger.owner_faults(surface name, with_roles boolean)
returns table (aspect text, fault text, statement text, mended_by text)
language sql
stable
parallel safe
as $$
  select
    'missing', format('the role %s is missing', wanted.name), null::text, null::text
  from (
    values
      ('pgledger_owner'), ('pgledger_tenant_views'), ('pgledger_poster'), ('pgledger_reader'),
      ('pgledger_auditor'), ('pgledger_tenant')
  ) as wanted (name)
  where owner_faults.with_roles
    and wanted.name not in (select pg_roles.rolname from pg_catalog.pg_roles)
  union all
  select
    case when actual.oid is null then 'missing' else 'owner' end,
    case
      when actual.oid is null then format('the %s %s is missing', expected.kind, expected.name)
      else
        format(
          'the %s %s belongs to %s, not to %s',
          expected.kind, actual.subject, pg_get_userbyid(actual.owner), wanted.name
        )
    end,
    case
      when actual.oid is not null
        then format('alter %s %s owner to %I', expected.kind, actual.subject, wanted.name)
    end,
    case
      when actual.oid is not null then 'migrator'
      when expected.kind in ('function', 'view') then 'files'
    end
  from pgledger.expected_guards() as expected (kind, place, name, owner, granted, detail)
  left join pgledger.actual_guards(owner_faults.surface) as actual using (kind, place, name)
  cross join lateral (
    select
      case
        when owner_faults.with_roles then 'pgledger_' || expected.owner
        else (
          select pg_get_userbyid(pg_namespace.nspowner)
          from pg_catalog.pg_namespace
          where pg_namespace.nspname = 'pgledger'
        )
      end
  ) as wanted (name)
  where expected.kind in ('schema', 'table', 'view', 'sequence', 'function', 'type')
    and pg_get_userbyid(actual.owner) is distinct from wanted.name
    -- The sequence of a column follows its table.
    and (
      actual.kind is distinct from 'sequence'
      or not exists (
        select
        from pg_catalog.pg_depend
        where pg_depend.classid = 'pg_catalog.pg_class'::regclass
          and pg_depend.objid = actual.oid
          and pg_depend.deptype in ('a', 'i')
      )
    )
$$;

comment on function pgledger.owner_faults is
  'What of ours is missing or belongs to the wrong role, with what puts it right.';

revoke all on function pgledger.owner_faults from public;
