/*
Checks the times of two accounts that the caller has just updated as pgledger.check_account_times
would have done before. One that is ahead of the clock is a microsecond further than it was. It is
put back for the check; the caller sets both accounts' times afterwards.

Errors: AccountAheadOfClock.
*/
create or replace function pgledger.check_times_before(
  from_account_id text,
  to_account_id text,
  now timestamptz,
  recorded_at timestamptz,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
begin
  update pgledger.accounts
  set updated_at = accounts.updated_at - interval '1 microsecond'
  where accounts.id in (from_account_id, to_account_id) and accounts.updated_at > now;

  return pgledger.check_account_times(
    array[from_account_id], array[to_account_id], now, recorded_at, array[request_index],
    request_count
  );
end;
$$;

comment on function pgledger.check_times_before is
  'Checks the times of two accounts as they were before the caller updated them.';

revoke all on function pgledger.check_times_before from public;
