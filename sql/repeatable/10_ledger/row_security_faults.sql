/*
Row security that is off, or forced on the owner, whose functions have to see all tenants; policies
that are missing, changed, or somebody's for everybody or for a role of ours. A policy for another
role is that role's own matter and kept.
*/
create or replace function pgledger.row_security_faults(surface name, with_roles boolean)
returns table (aspect text, fault text, statement text, mended_by text)
language sql
stable
parallel safe
as $$
  select
    'row security',
    format(
      'the table %s is to have %s, and has %s',
      actual.subject, coalesce(nullif(expected.detail, ''), 'no row security'),
      coalesce(nullif(actual.detail, ''), 'none')
    ),
    format(
      'alter table %s %s row level security; alter table %1$s no force row level security',
      actual.subject, case expected.detail when '' then 'disable' else 'enable' end
    ),
    'owner'
  from pgledger.expected_guards() as expected (kind, place, name, owner, granted, detail)
  inner join pgledger.actual_guards(row_security_faults.surface) as actual using (kind, place, name)
  where expected.kind = 'table' and expected.detail <> actual.detail
  union all
  select
    'row security',
    format(
      'the policy %s of pgledger.%s is %s',
      expected.name, expected.place,
      case when actual.name is null then 'missing' else 'another than it was' end
    ),
    format(
      'drop policy if exists %I on pgledger.%I; create policy %1$I on pgledger.%2$I %s',
      expected.name, expected.place,
      replace(expected.detail, '%I', quote_ident(wanted.role_name))
    ),
    'owner'
  from pgledger.expected_guards() as expected (kind, place, name, owner, granted, detail)
  left join pgledger.policies() as actual using (place, name)
  cross join lateral (
    select
      case
        when row_security_faults.with_roles then 'pgledger_' || expected.granted
        else (
          select pg_get_userbyid(pg_namespace.nspowner)
          from pg_catalog.pg_namespace
          where pg_namespace.nspname = 'pgledger'
        )
      end
  ) as wanted (role_name)
  where expected.kind = 'policy'
    and (
      replace(actual.detail, 'pgledger.', '') = replace(expected.detail, 'pgledger.', '')
      and actual.roles = array(
        select pg_roles.oid from pg_catalog.pg_roles where pg_roles.rolname = wanted.role_name
      )
    ) is not true
  union all
  select
    'row security',
    format(
      'the policy %s of pgledger.%s is for %s',
      actual.name, actual.place, coalesce(other.names, 'everybody')
    ),
    format('drop policy %I on pgledger.%I', actual.name, actual.place),
    case when 0 = any (actual.roles) or other.has_ours then 'owner' else 'nobody' end
  from pgledger.policies() as actual
  inner join pgledger.expected_guards() as expected (kind, place, name, owner, granted, detail)
    on (expected.kind, expected.place, expected.name) = ('table', 'private', actual.place)
  cross join lateral (
    select
      string_agg(pg_roles.rolname, ', ' order by pg_roles.rolname),
      bool_or(row_security_faults.with_roles and starts_with(pg_roles.rolname, 'pgledger_'))
    from pg_catalog.pg_roles
    where pg_roles.oid = any (actual.roles)
  ) as other (names, has_ours)
  where (actual.place, actual.name) not in (
    select listed.place, listed.name
    from pgledger.expected_guards() as listed
    where listed.kind = 'policy'
  )
$$;

comment on function pgledger.row_security_faults is
  'Tables whose row security, and policies, are not as they should be, with what puts them right.';

revoke all on function pgledger.row_security_faults from public;
