/*
Triggers that are not there, not as they were made, or not always on: some restores leave them off
in sessions that replicate. Foreign keys are triggers of PostgreSQL's own. Only a superuser can
switch these off, or on again.
*/
create or replace function pgledger.trigger_faults()
returns table (aspect text, fault text, statement text, mended_by text)
language sql
stable
parallel safe
as $$
  select
    'triggers',
    format(
      'the trigger %s of pgledger.%s is %s',
      expected.name, expected.place,
      case
        when pg_trigger.oid is null then 'missing'
        when found.is_as_made then 'not always on'
        else 'another than it was'
      end
    ),
    case
      when found.is_as_made then ''
      else
        format(
          'drop trigger if exists %I on pgledger.%I; %s; ',
          expected.name, expected.place, expected.detail
        )
    end
    || format('alter table pgledger.%I enable always trigger %I', expected.place, expected.name),
    'owner'
  from pgledger.expected_guards() as expected (kind, place, name, owner, granted, detail)
  left join pg_catalog.pg_trigger
    on to_regclass('pgledger.' || expected.place) = pg_trigger.tgrelid
    and expected.name = pg_trigger.tgname
  cross join lateral (
    select
      coalesce(
        replace(pg_get_triggerdef(pg_trigger.oid), 'pgledger.', '')
        = replace(expected.detail, 'pgledger.', ''),
        false
      )
  ) as found (is_as_made)
  where expected.kind = 'trigger'
    and not (found.is_as_made and pg_trigger.tgenabled = 'A')
  union all
  select
    'triggers',
    format(
      'the foreign key %s of %s is not checked on %s',
      pg_constraint.conname, pg_constraint.conrelid::regclass, pg_trigger.tgrelid::regclass
    ),
    format('alter table %s enable trigger %I', pg_trigger.tgrelid::regclass, pg_trigger.tgname),
    'migrator'
  from pg_catalog.pg_trigger
  inner join pg_catalog.pg_class on pg_trigger.tgrelid = pg_class.oid
  inner join pg_catalog.pg_namespace on pg_class.relnamespace = pg_namespace.oid
  inner join pg_catalog.pg_constraint on pg_trigger.tgconstraint = pg_constraint.oid
  where pg_namespace.nspname = 'pgledger'
    and pg_trigger.tgisinternal
    and pg_trigger.tgenabled <> 'O'
    and pg_constraint.connamespace = pg_namespace.oid
$$;

comment on function pgledger.trigger_faults is
  'Triggers of ours that are missing, changed or off, with what puts them right.';

revoke all on function pgledger.trigger_faults from public;
