/*
Who but its owner may do what with what is ours, columns included; everybody is the role 0.
*/
create or replace function pgledger.rights_held(surface name)
returns table (
  kind text,
  place text,
  name text,
  oid oid,
  subject text,
  column_name name,
  grantee oid,
  grantor oid,
  verb text,
  is_grantable boolean,
  is_from_owner boolean
)
language sql
stable
parallel safe
set jit = off
as $$
  with actual as materialized (
    select one.kind, one.place, one.name, one.oid, one.owner, one.acl, one.subject
    from pgledger.actual_guards(rights_held.surface) as one
  )

  select
    actual.kind, actual.place, actual.name, actual.oid, actual.subject, null::name,
    acl.grantee, acl.grantor, acl.privilege_type, acl.is_grantable, acl.grantor = actual.owner
  from actual
  cross join aclexplode(actual.acl) as acl
  where acl.grantee <> actual.owner
  union all
  select
    actual.kind, actual.place, actual.name, actual.oid, actual.subject, pg_attribute.attname,
    acl.grantee, acl.grantor, acl.privilege_type, acl.is_grantable, acl.grantor = actual.owner
  from actual
  inner join pg_catalog.pg_attribute on actual.oid = pg_attribute.attrelid
  cross join aclexplode(pg_attribute.attacl) as acl
  where actual.kind in ('table', 'view')
    and acl.grantee <> actual.owner
$$;

comment on function pgledger.rights_held is
  'Who but its owner may do what with what is ours.';

revoke all on function pgledger.rights_held from public;
