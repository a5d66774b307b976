/*
Checks that the triggers that keep records unchanged are there, that nothing switches them off, and
that the function they call is the one of this version, whose body's hash stands here. The triggers
are compared as a whole, so none has a WHEN or a list of columns, which could leave rows out.

The schema of the type that it returns is the one of the public functions: the migrator finds it by
that.
*/
create or replace function pgledger.verify_guards()
returns setof @extschema@.pgledger_check
language sql
stable
parallel safe
as $$
  with guard as materialized (
    select
      expected.name,
      exists (
        select
        from pg_catalog.pg_trigger
        where pg_trigger.tgrelid = to_regclass('pgledger.' || expected.place)
          and pg_trigger.tgname = expected.name
          and pg_trigger.tgenabled = 'A'
          and replace(pg_get_triggerdef(pg_trigger.oid), 'pgledger.', '')
          = replace(expected.detail, 'pgledger.', '')
      )
      and exists (
        select
        from pg_catalog.pg_proc
        where pg_proc.oid = 'pgledger.refuse_change'::regproc
          and encode(sha256(convert_to(pg_proc.prosrc, 'UTF8')), 'hex')
          = 'f7e2b3f4d876013fb1aea9705e2d654df0189e87a5c3dad1499da86fcefb92d6'
      ) as stands
    from pgledger.expected_guards() as expected
    where expected.kind = 'trigger'
  )

  select
    'triggers that keep records unchanged stand and are always on',
    count(*),
    count(*) filter (where not guard.stands),
    min(guard.name) filter (where not guard.stands)
  from guard
$$;

comment on function pgledger.verify_guards is
  'Checks that the triggers that keep records unchanged are there and always on.';

revoke all on function pgledger.verify_guards from public;
