/*
Why a database role may do more with what is ours than a tenant's may, although it is no member of a
role of ours: the first right that was granted to it, to a role that it is a member of, or to
everybody. Null if there is none. The rows that a table or a whole view shows are not only one
tenant's.
*/
create or replace function pgledger.granted_role_fault(role_name name)
returns text
language sql
stable
parallel safe
set jit = off
as $$
  select
    format(
      '%s may %s the %s %s, which is not for tenants',
      case
        when held.grantee = 0 then 'everybody'
        when held.grantee = own.oid then 'it'
        else format('it is a member of %I, which', pg_get_userbyid(held.grantee))
      end,
      said.words, held.kind, held.subject
    )
  from pg_catalog.pg_roles as own
  inner join pgledger.rights_held(pgledger.surface_schema()) as held
    on held.grantee = 0 or pg_has_role(own.oid, held.grantee, 'MEMBER')
  inner join pgledger.expected_guards() as expected (kind, place, name, owner, granted, detail)
    using (kind, place, name)
  cross join lateral pgledger.right_words(held.verb) as said (words)
  where own.rolname = granted_role_fault.role_name
    and 'tenant=' || held.verb <> all (string_to_array(expected.granted, ' '))
    -- Types are of no use without what takes or returns them.
    and held.kind <> 'type'
  order by held.grantee <> own.oid, held.kind, held.subject, held.verb
  limit 1
$$;

comment on function pgledger.granted_role_fault is
  'Says what a database role was granted beyond what tenants may, or null if nothing.';

revoke all on function pgledger.granted_role_fault from public;
