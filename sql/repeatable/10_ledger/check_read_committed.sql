/*
Refuses to close or reopen periods on a snapshot that is older than the lock: it would miss what was
waited for.

Errors: InvalidArgument.
*/
create or replace function pgledger.check_read_committed()
returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  if current_setting('transaction_isolation') in ('read committed', 'read uncommitted') then
    return true;
  end if;

  return pgledger.fail(
    'InvalidArgument',
    array[
      'transaction_isolation',
      quote_literal(current_setting('transaction_isolation')),
      'a transfer that another session has just made could not be seen'
    ],
    hint => 'Close and reopen periods in a transaction at the level read committed.'
  );
end;
$$;

comment on function pgledger.check_read_committed is
  'Raises InvalidArgument unless the transaction is at the level read committed.';

revoke all on function pgledger.check_read_committed from public;
