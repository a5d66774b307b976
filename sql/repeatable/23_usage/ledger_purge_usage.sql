/*
Locks: those of pgledger.delete_usage_before.

Checks, in this order: app_id, before, max_events.
*/
create or replace function @extschema@.ledger_purge_usage(
  app_id text,
  before timestamptz,
  max_events integer default 10000
)
returns bigint
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_latest timestamptz := pgledger.clock() - interval '1 hour';
  v_ok boolean;
begin
  v_ok := pgledger.check_app(app_id);
  if before is null then
    v_ok := pgledger.fail('NullArgument', array['before']);
  elsif pgledger.time_fault(before) is not null then
    v_ok := pgledger.fail(
      'InvalidTime', array['before', before::text, pgledger.time_fault(before)]
    );
  elsif before > v_latest then
    v_ok := pgledger.fail(
      'InvalidTime',
      array[
        'before', before::text, format('it is less than an hour ago: at most %s can be', v_latest)
      ],
      hint => 'Give an earlier time: the newest events are kept, because usage may still arrive.'
    );
  elsif (max_events between 1 and 1000000) is not true then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'max_events', coalesce(max_events::text, 'null'), 'it is not between 1 and 1000000'
      ]
    );
  end if;

  return pgledger.delete_usage_before(app_id, before, max_events);
end;
$$;

comment on function @extschema@.ledger_purge_usage is
$$Deletes old usage events and keeps what they come to.

Call it, each time in a transaction of its own, until it returns 0.

Events are deleted for whole UTC hours, the oldest of a feature first. Kept
are those that subscriptions that go on still count in, those that are still
to be invoiced, and those that late usage is billed by; and so are all totals.
Of the tenants concerned, events from before that time are refused from then
on (UsagePurged), because idempotency keys are forgotten.

app_id: App.
before: Events of the UTC hours before the one that it lies in are deleted; at
  least an hour ago.
max_events: How many to delete at most, 1 to 1,000,000.

Returns: How many were deleted.

Errors: NullArgument, InvalidScope, InvalidTime (before is outside the years 1
  to 9999, or less than an hour ago), InvalidArgument (max_events is out of
  range).$$;

revoke all on function @extschema@.ledger_purge_usage from public;
grant execute on function @extschema@.ledger_purge_usage to pgledger_poster;
