/*
Checks that everything of ours is there and stands as expected_guards() says. A restore without
owners or privileges, or onto a server without our roles, leaves books that balance and are open to
everybody.

What only replays in a session that replicates would do is checked by verify_guards(); foreign keys
that were switched off are found here.
*/
create or replace function pgledger.verify_access()
returns setof @extschema@.pgledger_check
language sql
stable
parallel safe
as $$
  with fault as materialized (
    select
      found.aspect,
      found.fault
    from pgledger.guard_faults(
      pgledger.surface_schema(),
      (select bool_or(schema_history.with_roles) from pgledger.schema_history),
      null
    ) as found
    where found.mended_by is distinct from 'nobody'
  )

  select
    checked.rule,
    (
      select count(*)
      from pgledger.expected_guards() as expected
      where expected.kind = any (checked.kinds)
    ),
    count(fault.fault),
    min(fault.fault)
  from (
    values
      (
        1, 'what belongs to the ledger is there and has its owner', array['missing', 'owner'],
        array['schema', 'table', 'view', 'sequence', 'function', 'type']
      ),
      (
        2, 'nobody may do more or less than was granted', array['rights'],
        array['schema', 'table', 'view', 'sequence', 'function', 'type']
      ),
      (3, 'triggers and foreign keys are on', array['triggers'], array['trigger', 'table']),
      (4, 'row security and its policies stand', array['row security'], array['policy', 'table']),
      (5, 'functions and views keep their settings', array['settings'], array['function', 'view'])
  ) as checked (place, rule, aspects, kinds)
  left join fault on fault.aspect = any (checked.aspects)
  group by checked.place, checked.rule, checked.kinds
  order by checked.place
$$;

comment on function pgledger.verify_access is
  'Checks owners, privileges, triggers, row security and settings of everything of ours.';

revoke all on function pgledger.verify_access from public;
