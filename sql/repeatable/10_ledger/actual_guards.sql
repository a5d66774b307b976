/*
How what is ours stands in this database: one row for each schema, table, view, sequence, function
and type of the private schema, and for each that bears a name of ours in the schema of the public
functions and views. expected_guards() says how it should be; both are read by the same rules.

In a signature, types of ours are written without their schema. One of somebody else's keeps it, so
a function of our name that takes such a type is another one. Of a function's settings only whose
rights and which names it uses are told: those for the planner are left to whoever tunes the
database.

The body reads nothing but PostgreSQL's catalogs, so that the migrator can also run it by itself.
With a setting of its own it is worked out once for whoever joins it, instead of for each row. The
offset lets the types of arguments be worked out once, instead of where each name stands.
*/
create or replace function pgledger.actual_guards(surface name)
returns table (
  kind text,
  place text,
  name text,
  oid oid,
  owner oid,
  acl aclitem[],
  detail text,
  subject text
)
language sql
stable
parallel safe
set jit = off
as $$
  with home as (
    select
      pg_namespace.oid,
      pg_namespace.nspname,
      case when pg_namespace.nspname = 'pgledger' then 'private' else 'surface' end as place
    from pg_catalog.pg_namespace
    where pg_namespace.nspname in ('pgledger', actual_guards.surface)
  )

  select
    'schema', home.place, 'pgledger'::text, pg_namespace.oid, pg_namespace.nspowner,
    coalesce(pg_namespace.nspacl, acldefault('n', pg_namespace.nspowner)), '', 'pgledger'
  from pg_catalog.pg_namespace
  inner join home on pg_namespace.oid = home.oid
  where home.place = 'private'
  union all
  select
    relation.kind, home.place, pg_class.relname, pg_class.oid, pg_class.relowner,
    coalesce(
      pg_class.relacl,
      acldefault(relation.acl_letter, pg_class.relowner)
    ),
    concat_ws(
      ', ',
      case when pg_class.relrowsecurity then 'row security' end,
      case when pg_class.relforcerowsecurity then 'forced row security' end,
      case when relation.kind = 'view' then array_to_string(pg_class.reloptions, ', ') end
    ),
    format('%I.%I', home.nspname, pg_class.relname)
  from pg_catalog.pg_class
  inner join home on pg_class.relnamespace = home.oid
  inner join (
    values
      ('r'::"char", 'r'::"char", 'table'), ('v', 'r', 'view'), ('S', 's', 'sequence')
  ) as relation (letter, acl_letter, kind) on pg_class.relkind = relation.letter
  union all
  select
    'type', home.place, pg_type.typname, pg_type.oid, pg_type.typowner,
    coalesce(pg_type.typacl, acldefault('T', pg_type.typowner)), '',
    format('%I.%I', home.nspname, pg_type.typname)
  from pg_catalog.pg_type
  inner join home on pg_type.typnamespace = home.oid
  inner join pg_catalog.pg_class on pg_type.typrelid = pg_class.oid
  where pg_class.relkind = 'c'
  union all
  select
    'function', home.place,
    format(
      '%s(%s)',
      pg_proc.proname,
      replace(
        replace(
          replace(argument.types, 'pgledger.', ''),
          format('%I.pgledger_', actual_guards.surface), 'pgledger_'
        ),
        format('%I.ledger_', actual_guards.surface), 'ledger_'
      )
    ),
    pg_proc.oid, pg_proc.proowner, coalesce(pg_proc.proacl, acldefault('f', pg_proc.proowner)),
    concat_ws(
      ', ',
      case when pg_proc.prosecdef then 'security definer' end,
      (
        select setting.text
        from unnest(pg_proc.proconfig) as setting (text)
        where starts_with(setting.text, 'search_path=')
      )
    ),
    format('%I.%I(%s)', home.nspname, pg_proc.proname, argument.types)
  from pg_catalog.pg_proc
  inner join home on pg_proc.pronamespace = home.oid
  cross join lateral (select oidvectortypes(pg_proc.proargtypes) offset 0) as argument (types)
$$;

comment on function pgledger.actual_guards is
  'Owner, privileges and settings of everything of ours, as they are.';

revoke all on function pgledger.actual_guards from public;
