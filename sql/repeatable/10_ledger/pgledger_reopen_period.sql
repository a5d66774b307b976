/*
Opens closed books again, from a time on or wholly.

Checks, in this order: app_id, until, reason, the level of isolation, that the books are closed
until later.
Locks: those of pgledger.change_period.
Errors: NullArgument, InvalidScope, InvalidTime, InvalidArgument.
*/
create or replace function @extschema@.pgledger_reopen_period(
  app_id text,
  until timestamptz,
  reason text
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
  if until is not null and pgledger.time_fault(until) is not null then
    v_ok := pgledger.fail(
      'InvalidTime', array['until', until::text, pgledger.time_fault(until)]
    );
  end if;
  v_ok := pgledger.check_text('reason', reason, 1000, true);

  return pgledger.change_period(app_id, until, 'reopen', reason);
end;
$$;

comment on function @extschema@.pgledger_reopen_period is
$$Opens closed books again, from a time on or wholly.

From then on calls are accepted again whose event_at lies at that time or
later. The call is written down: who, when and why, in pgledger_periods_v1.
Books that are open from there on stay as they are. Only the owner of pgledger
may call this function, and whoever it grants that to.

app_id: Set of books to open; the empty text where there is only one.
until: Up to when they stay closed; null for not at all.
reason: Why, for those who read it later: 1 to 1,000 characters.

Returns: Until when the books are closed now; replayed says whether that was
  so before.

Errors: NullArgument, InvalidScope, InvalidTime (until is outside the years 1
  to 9999), InvalidArgument (the books are not closed as long as until, the
  reason is empty or too long, or the transaction is not read committed).$$;

revoke all on function @extschema@.pgledger_reopen_period from public;
