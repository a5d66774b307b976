/*
Gives both accounts of a transfer, which the caller has just updated, the later of their times, and
returns it. They differ where the second account was waited for, or where one was ahead of the
clock: then it is a microsecond further than it was. The check of times is shown it as it was.

Errors: AccountAheadOfClock.
*/
create or replace function pgledger.level_times(
  from_account_id text,
  to_account_id text,
  at timestamptz
)
returns timestamptz
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_ok boolean;
begin
  if at > v_now then
    update pgledger.accounts
    set updated_at = accounts.updated_at - interval '1 microsecond'
    where accounts.id in (from_account_id, to_account_id) and accounts.updated_at > v_now;

    v_ok := pgledger.check_account_times(
      array[from_account_id], array[to_account_id], v_now, at
    );
  end if;

  update pgledger.accounts
  set updated_at = level_times.at
  where accounts.id in (from_account_id, to_account_id) and accounts.updated_at < level_times.at;

  return at;
end;
$$;

comment on function pgledger.level_times is
  'Gives both accounts of a transfer the later of their times.';

revoke all on function pgledger.level_times from public;
