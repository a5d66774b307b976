/*
Closes the books of an app until a time, or opens them again from one on, and writes the row of
history. Where nothing differs, nothing is written, so that a call can be repeated. The request's
own values were checked, but for whether the time is past.

It waits for the transactions that have given event_at, and those that would give one wait for it.
So what it reads of the accounts holds all that these have made. The snapshot of a transaction that
is not read committed was taken before the lock, and would not.

Reads the newest time of every account of the app, because a clock may have been ahead: by that
verification knows which transfers came after the change.

Locks: the app's closed periods alone, then their row.
Errors: InvalidArgument.
*/
create or replace function pgledger.change_period(
  app_id text,
  until timestamptz,
  change text,
  reason text
)
returns @extschema@.pgledger_period
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_until timestamptz;
  v_newest record;
  v_now timestamptz;
  v_ok boolean;
begin
  v_ok := pgledger.check_read_committed();
  perform pg_advisory_xact_lock(pgledger.periods_lock(app_id));

  select closed_periods.closed_until
  into v_until
  from pgledger.closed_periods
  where closed_periods.app_id = change_period.app_id
  for no key update;
  select period_changes.number, period_changes.changed_at
  into v_newest
  from pgledger.period_changes
  where period_changes.app_id = change_period.app_id
  order by period_changes.number desc
  limit 1;

  v_now := pgledger.clock();
  if change = 'close' then
    v_ok := pgledger.check_past(until, v_now);
  end if;
  if until is not distinct from v_until or change = 'close' and until < v_until then
    return row(v_until, v_newest.changed_at, app_id, true);
  elsif change = 'reopen' and (until < v_until or until is null) is not true then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'until', until::text,
        case
          when v_until is null then 'nothing is closed'
          else format('the books are closed until %s only', v_until)
        end
      ],
      hint => 'pgledger_close_period closes further.'
    );
  end if;

  v_now := greatest(v_now, v_newest.changed_at + interval '1 microsecond');
  insert into pgledger.closed_periods (app_id, closed_until)
  values (change_period.app_id, until)
  on conflict on constraint closed_periods_app_id_pk
  do update set closed_until = excluded.closed_until;

  insert into pgledger.period_changes (
    number, changed_at, newest_at, from_until, to_until, app_id, change, changed_by, changed_as,
    reason
  )
  values (
    coalesce(v_newest.number, 0) + 1,
    v_now,
    (
      select max(accounts.updated_at)
      from pgledger.accounts
      where accounts.app_id = change_period.app_id
    ),
    v_until, until, change_period.app_id, change_period.change, session_user,
    current_setting('role'), change_period.reason
  );

  return row(until, v_now, app_id, false);
end;
$$;

comment on function pgledger.change_period is
  'Closes the books of an app until a time, or reopens them, and writes the row of history.';

revoke all on function pgledger.change_period from public;
