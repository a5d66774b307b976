/*
Row-security policies that are missing or changed, and those that are not ours for everybody or for
a role of ours. A policy for another role is that role's own matter and kept.
*/
create or replace function pgledger.policy_faults(with_roles boolean)
returns table (aspect text, fault text, statement text, mended_by text)
language sql
stable
parallel safe
as $$
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
        when policy_faults.with_roles then 'pgledger_' || expected.granted
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
      bool_or(policy_faults.with_roles and starts_with(pg_roles.rolname, 'pgledger_'))
    from pg_catalog.pg_roles
    where pg_roles.oid = any (actual.roles)
  ) as other (names, has_ours)
  where (actual.place, actual.name) not in (
    select listed.place, listed.name
    from pgledger.expected_guards() as listed
    where listed.kind = 'policy'
  )
$$;

comment on function pgledger.policy_faults is
  'Row-security policies that are not as they should be, with what puts them right.';

revoke all on function pgledger.policy_faults from public;
