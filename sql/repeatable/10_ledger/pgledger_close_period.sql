/*
Closes the books of an app until a time.

Checks, in this order: app_id, until, reason, the level of isolation, that until is past.
Locks: those of pgledger.change_period. It locks no account, and waits for no call without event_at.
Errors: NullArgument, InvalidScope, InvalidTime, InvalidArgument.
*/
create or replace function @extschema@.pgledger_close_period(
  app_id text,
  until timestamptz,
  reason text default null
)
returns @extschema@.pgledger_period
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  if until is null then
    v_ok := pgledger.fail('NullArgument', array['until']);
  elsif pgledger.time_fault(until) is not null then
    v_ok := pgledger.fail(
      'InvalidTime', array['until', until::text, pgledger.time_fault(until)]
    );
  end if;
  v_ok := pgledger.check_reason(reason);

  return pgledger.change_period(app_id, until, 'close', reason);
end;
$$;

comment on function @extschema@.pgledger_close_period is
$$Closes the books of an app: what lies before a time stays as it is.

From then on no call is accepted whose event_at lies before that time,
whatever it makes: a transfer, a hold, a posting, a reversal, alone or in a
batch. A repeat of an earlier call still gets its first answer. It waits for
transactions that have given an event_at: none of them commits after it has.
Calls that give no event_at are not concerned, and do not wait. Close in a
transaction of its own.

Books that are closed until then or longer stay as they are, so it can be
repeated. Each change is a row of pgledger_periods_v1. It reads all accounts
of the app. pgledger_reopen_period takes it back.

app_id: Set of books to close; the empty text where there is only one.
until: Up to when, at least a minute past. The time itself stays open.
reason: Why, for those who read the history: 1 to 1,000 characters, or null.

Returns: Until when the books are closed now; replayed says whether they were
  before.

Errors: NullArgument, InvalidScope, InvalidTime (until is outside the years 1
  to 9999), InvalidArgument (until is not a minute past, the reason is empty
  or too long, or the transaction is not read committed).$$;

revoke all on function @extschema@.pgledger_close_period from public;
grant execute on function @extschema@.pgledger_close_period to pgledger_poster;
