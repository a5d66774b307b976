/*
Lists what stands where things of ours should stand and is somebody else's, or could run somebody's
code: so that nothing of the kind is called, read or written before a person has looked at it.

  - what is in the schema pgledger, and what has a name of ours on the surface, belongs to the
    schema's owner, to the owner of tenants' views, or to a role that is believed anyway;
  - triggers on our tables call functions of theirs;
  - the history is a plain table: reading or writing a row of it runs nothing that is not
    PostgreSQL's own, whoever owns it. What initdb makes has numbers below 16384.

  object   what it is and its name, as SQL takes it
  why      whose it is, or what is wrong with it

Run by every command of `pgledger` that looks at a database which has the schema pgledger, before
anything of ours is touched; by `pgledger migrate` once more after its last file.

  surface   schema of the public functions and views, or null
  names     names of ours on the surface
*/
with home as (
  select
    pg_namespace.oid,
    pg_namespace.nspowner as owner
  from pg_catalog.pg_namespace
  where pg_namespace.nspname = 'pgledger'
),

believed as (
  select role.oid
  from pg_catalog.unnest(:include_believed_roles) as role (oid)
  union all
  select home.owner
  from home
  union all
  select pg_roles.oid
  from pg_catalog.pg_roles
  where pg_roles.rolname = 'pgledger_tenant_views'
),

object (kind, namespace, name, arguments, owner) as (
  select
    case pg_class.relkind
      when 'v' then 'view'
      when 'm' then 'materialized view'
      when 'f' then 'foreign table'
      when 'S' then 'sequence'
      when 'c' then 'type'
      else 'table'
    end,
    pg_class.relnamespace,
    pg_class.relname,
    '',
    pg_class.relowner
  from pg_catalog.pg_class
  where pg_class.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c')
  union all
  select
    'function',
    pg_proc.pronamespace,
    pg_proc.proname,
    '(' || pg_catalog.pg_get_function_identity_arguments(pg_proc.oid) || ')',
    pg_proc.proowner
  from pg_catalog.pg_proc
  union all
  -- Types of rows and of arrays belong to whom the table or the element belongs to.
  select
    'type',
    pg_type.typnamespace,
    pg_type.typname,
    '',
    pg_type.typowner
  from pg_catalog.pg_type
  where pg_type.typrelid = 0
    and not exists (
      select
      from pg_catalog.pg_type as element
      where element.typarray = pg_type.oid
    )
  union all
  select
    'operator',
    pg_operator.oprnamespace,
    pg_operator.oprname,
    pg_catalog.format(
      '(%s, %s)',
      pg_catalog.format_type(pg_operator.oprleft, null),
      pg_catalog.format_type(pg_operator.oprright, null)
    ),
    pg_operator.oprowner
  from pg_catalog.pg_operator
  union all
  select
    'collation',
    pg_collation.collnamespace,
    pg_collation.collname,
    '',
    pg_collation.collowner
  from pg_catalog.pg_collation
),

history as (
  select
    pg_class.oid,
    pg_class.relkind,
    pg_class.relrowsecurity
  from pg_catalog.pg_class
  join home on home.oid = pg_class.relnamespace
  where pg_class.relname = 'schema_history'
),

-- The history, and what belongs to it and may have an expression.
part (class, oid) as (
  select
    'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid,
    history.oid
  from history
  union all
  select
    'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid,
    pg_index.indexrelid
  from history
  join pg_catalog.pg_index on pg_index.indrelid = history.oid
  union all
  select
    'pg_catalog.pg_constraint'::pg_catalog.regclass::pg_catalog.oid,
    pg_constraint.oid
  from history
  join pg_catalog.pg_constraint on pg_constraint.conrelid = history.oid
  union all
  select
    'pg_catalog.pg_attrdef'::pg_catalog.regclass::pg_catalog.oid,
    pg_attrdef.oid
  from history
  join pg_catalog.pg_attrdef on pg_attrdef.adrelid = history.oid
)

select
  pg_catalog.format(
    '%s %I.%s%s',
    object.kind,
    pg_namespace.nspname,
    case object.kind
      when 'operator' then object.name::pg_catalog.text
      else pg_catalog.quote_ident(object.name)
    end,
    object.arguments
  ) as object,
  pg_catalog.format('belongs to %I', pg_catalog.pg_get_userbyid(object.owner)) as why
from object
join pg_catalog.pg_namespace on pg_namespace.oid = object.namespace
cross join home
where object.owner not in (select believed.oid from believed)
  and (
    object.namespace = home.oid
    or (pg_namespace.nspname = :surface and object.name = any(:names))
  )
union all
select
  pg_catalog.format('trigger %I on pgledger.%I', pg_trigger.tgname, pg_class.relname),
  pg_catalog.format(
    'calls a function that belongs to %I', pg_catalog.pg_get_userbyid(pg_proc.proowner)
  )
from pg_catalog.pg_trigger
join pg_catalog.pg_class on pg_class.oid = pg_trigger.tgrelid
join home on home.oid = pg_class.relnamespace
join pg_catalog.pg_proc on pg_proc.oid = pg_trigger.tgfoid
where not pg_trigger.tgisinternal
  and pg_proc.proowner not in (select believed.oid from believed)
union all
select
  'table pgledger.schema_history',
  'is not the plain table that pgledger makes'
from history
where history.relkind <> 'r'
  or history.relrowsecurity
  or exists (
    select
    from pg_catalog.pg_trigger
    where pg_trigger.tgrelid = history.oid
  )
  or exists (
    select
    from pg_catalog.pg_rewrite
    where pg_rewrite.ev_class = history.oid
  )
  or exists (
    select
    from pg_catalog.pg_inherits
    where pg_inherits.inhparent = history.oid or pg_inherits.inhrelid = history.oid
  )
  or exists (
    select
    from part
    join pg_catalog.pg_depend on pg_depend.classid = part.class and pg_depend.objid = part.oid
    where pg_depend.refobjid >= 16384::pg_catalog.oid
      and pg_depend.refclassid in (
        'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid,
        'pg_catalog.pg_operator'::pg_catalog.regclass::pg_catalog.oid,
        'pg_catalog.pg_opclass'::pg_catalog.regclass::pg_catalog.oid,
        'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid,
        'pg_catalog.pg_collation'::pg_catalog.regclass::pg_catalog.oid
      )
  )
  or exists (
    select
    from (
      values
        ('name', 'text'),
        ('kind', 'text'),
        ('sha256', 'text'),
        ('applied_at', 'timestamp with time zone'),
        ('package_version', 'text')
    ) as expected (name, type)
    left join pg_catalog.pg_attribute
      on pg_attribute.attrelid = history.oid
      and pg_attribute.attname = expected.name
      and pg_catalog.format_type(pg_attribute.atttypid, null) = expected.type
      and pg_attribute.attgenerated = ''
      and not pg_attribute.attisdropped
    where pg_attribute.attname is null
  )
order by object, why;
