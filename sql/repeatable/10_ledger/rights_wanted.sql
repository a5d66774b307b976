/*
Which of our roles is to have which right on what is ours. In a database without roles of ours there
is none: everything is its owner's.
*/
create or replace function pgledger.rights_wanted(surface name, with_roles boolean)
returns table (
  kind text,
  place text,
  name text,
  subject text,
  grantee oid,
  role_name text,
  verb text
)
language sql
stable
parallel safe
set jit = off
as $$
  select
    actual.kind, actual.place, actual.name, actual.subject, pg_roles.oid, wanted.role_name,
    wanted.verb
  from pgledger.expected_guards() as expected (kind, place, name, owner, granted, detail)
  inner join pgledger.actual_guards(rights_wanted.surface) as actual using (kind, place, name)
  cross join lateral (
    select
      'pgledger_' || split_part(one.text, '=', 1),
      split_part(one.text, '=', 2)
    from unnest(string_to_array(expected.granted, ' ')) as one (text)
  ) as wanted (role_name, verb)
  left join pg_catalog.pg_roles on wanted.role_name = pg_roles.rolname
  where rights_wanted.with_roles
    -- A policy's roles are no grants.
    and expected.kind <> 'policy'
    and expected.granted <> ''
    and actual.owner is distinct from pg_roles.oid
$$;

comment on function pgledger.rights_wanted is
  'Which of our roles is to have which right on what is ours.';

revoke all on function pgledger.rights_wanted from public;
