/*
Checks that the triggers that keep records unchanged are there, that nothing switches them off, and
that the function they call is the one of this version, whose body's hash stands here.
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
        where pg_trigger.tgrelid = expected.relation
          and pg_trigger.tgname = expected.name
          and pg_trigger.tgenabled = 'A'
          and pg_trigger.tgfoid = 'pgledger.refuse_change'::regproc
          and pg_trigger.tgtype = expected.type
          -- No WHEN and no list of columns, either of which could leave rows out.
          and pg_trigger.tgqual is null
          and pg_trigger.tgattr = ''
      )
      and exists (
        select
        from pg_catalog.pg_proc
        where pg_proc.oid = 'pgledger.refuse_change'::regproc
          and encode(sha256(convert_to(pg_proc.prosrc, 'UTF8')), 'hex')
          = 'f7e2b3f4d876013fb1aea9705e2d654df0189e87a5c3dad1499da86fcefb92d6'
      ) as stands
    from (
      values
        ('pgledger.transfers'::regclass, 'transfers_rows_never_change', 27),
        ('pgledger.transfers'::regclass, 'transfers_never_change', 58),
        ('pgledger.accounts'::regclass, 'accounts_rows_are_never_deleted', 11),
        ('pgledger.accounts'::regclass, 'accounts_are_never_deleted', 42)
    ) as expected (relation, name, type)
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
