/*
What a server and a database need before pgledger belongs to roles of its own. The rule about roles
stands here and nowhere else: who they are, what the owning ones may not be, who is a member of
whom, what is granted. One row for each requirement that is not met:

  place      order in which they are to be met
  kind       'excess': a role is more than it may be, which a person has to look into;
             'role' and 'grant': the statement makes it
  name       the requirement, for a person
  statement  meets it

Run by `pgledger migrate` and `pgledger plan`, as the role that migrates; and, inside of
ensure_requirements.sql, by migrations, administrators and pgledger.sql.

  surface    schema of the public functions and views; it may still be missing
  migrator   role that migrates, or null
*/
with given as (
  select
    :surface::name as surface,
    :migrator::name as migrator,
    -- 16 separated being a member from being allowed to SET ROLE.
    pg_catalog.current_setting('server_version_num')::integer >= 160000 as has_set
),

-- Two roles own things; the others use the surface and own nothing. The reader comes last: what it
-- has reaches poster and auditor as its members, who are to have it in their own right.
wanted (place, name, owned) as (
  values
    (1, 'pgledger_owner'::name, 'tables'),
    (2, 'pgledger_tenant_views', 'views'),
    (3, 'pgledger_poster', null),
    (4, 'pgledger_auditor', null),
    (5, 'pgledger_tenant', null),
    (6, 'pgledger_reader', null)
),

role as (
  select
    wanted.place,
    wanted.name,
    wanted.owned,
    pg_roles.oid
  from wanted
  join pg_catalog.pg_roles on pg_roles.rolname = wanted.name
),

surface as (
  select
    pg_namespace.oid,
    pg_namespace.nspname as name
  from given
  join pg_catalog.pg_namespace on pg_namespace.nspname = given.surface
),

-- A member that must act as the role has to inherit its rights as well.
membership (place, member, role, acts) as (
  select
    1,
    given.migrator,
    'pgledger_owner'::name,
    true
  from given
  where given.migrator is not null
  union all
  -- Who posts or audits may read as well, so functions and views are granted to readers alone.
  select
    2,
    role.name,
    'pgledger_reader',
    false
  from role
  where role.name in ('pgledger_poster', 'pgledger_auditor')
  union all
  -- To hand views over to it, and to replace them afterwards.
  select
    3,
    role.name,
    'pgledger_tenant_views',
    true
  from role
  where role.name = 'pgledger_owner'
),

-- The writing functions run with the rights of pgledger_owner, which must stay small. Views of
-- pgledger_tenant_views would show tenants everything if it could pass row-security policies by,
-- be it as a member of another role.
excess as (
  select
    role.place,
    role.name,
    role.owned,
    pg_catalog.concat_ws(
      ', ',
      case when pg_roles.rolsuper then 'SUPERUSER' end,
      case when pg_roles.rolcanlogin then 'LOGIN' end,
      case when pg_roles.rolcreaterole then 'CREATEROLE' end,
      case when pg_roles.rolcreatedb then 'CREATEDB' end,
      case when pg_roles.rolreplication then 'REPLICATION' end,
      case when pg_roles.rolbypassrls then 'BYPASSRLS' end
    ) as attributes,
    (
      select
        pg_catalog.string_agg(
          pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(pg_auth_members.roleid)), ', '
          order by pg_auth_members.roleid
        )
      from pg_catalog.pg_auth_members
      where pg_auth_members.member = role.oid
        and role.name = 'pgledger_tenant_views'
    ) as memberships
  from role
  join pg_catalog.pg_roles on pg_roles.oid = role.oid
  where role.owned is not null
)

select
  excess.place,
  'excess' as kind,
  pg_catalog.format(
    'the role %s exists and is more than an owner of %s: it has %s',
    excess.name, excess.owned, excess.attributes
  ) as name,
  pg_catalog.format(
    'alter role %I nologin nosuperuser nocreaterole nocreatedb noreplication nobypassrls',
    excess.name
  ) as statement
from excess
where excess.attributes <> ''
union all
select
  10 + excess.place,
  'excess',
  pg_catalog.format(
    'the role %s exists and is more than an owner of %s: it is a member of %s',
    excess.name, excess.owned, excess.memberships
  ),
  pg_catalog.format('revoke %s from %I', excess.memberships, excess.name)
from excess
where excess.memberships is not null
union all
select
  20 + wanted.place,
  'role',
  pg_catalog.format('the role %s', wanted.name),
  pg_catalog.format('create role %I nologin', wanted.name)
from wanted
where wanted.name not in (select role.name from role)
union all
select
  30 + membership.place,
  'grant',
  pg_catalog.format('membership of %s in %s', membership.member, membership.role),
  pg_catalog.format('grant %I to %I', membership.role, membership.member)
    || case when given.has_set and membership.acts then ' with inherit true, set true' else '' end
from membership
join role on role.name = membership.role
cross join given
where not pg_catalog.pg_has_role(
    membership.member, role.oid,
    case when given.has_set and membership.acts then 'SET' else 'MEMBER' end)
  or (membership.member = 'pgledger_owner'
    and not pg_catalog.pg_has_role(membership.member, role.oid, 'USAGE'))
union all
select
  40,
  'grant',
  pg_catalog.format('CREATE on the database for %s', role.name),
  pg_catalog.format(
    'grant create on database %I to %I', pg_catalog.current_database(), role.name
  )
from role
where role.name = 'pgledger_owner'
  and not pg_catalog.has_database_privilege(role.oid, pg_catalog.current_database(), 'create')
union all
select
  50,
  'grant',
  pg_catalog.format('CREATE and USAGE on the schema %I for %s', surface.name, role.name),
  pg_catalog.format('grant create, usage on schema %I to %I', surface.name, role.name)
from role
cross join surface
where role.name = 'pgledger_owner'
  and not (
    pg_catalog.has_schema_privilege(role.oid, surface.oid, 'create')
    and pg_catalog.has_schema_privilege(role.oid, surface.oid, 'usage')
  )
union all
-- A view's new owner must be one who could have made it there.
select
  51,
  'grant',
  pg_catalog.format('CREATE on the schema %I for %s', surface.name, role.name),
  pg_catalog.format('grant create on schema %I to %I', surface.name, role.name)
from role
cross join surface
where role.name = 'pgledger_tenant_views'
  and not pg_catalog.has_schema_privilege(role.oid, surface.oid, 'create')
union all
select
  60 + role.place,
  'grant',
  pg_catalog.format('USAGE on the schema %I for %s', surface.name, role.name),
  pg_catalog.format('grant usage on schema %I to %I', surface.name, role.name)
from role
cross join surface
where role.owned is null
  and not pg_catalog.has_schema_privilege(role.oid, surface.oid, 'usage')
order by place;
