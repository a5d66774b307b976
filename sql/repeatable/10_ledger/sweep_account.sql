/*
Moves the whole balance of an account to another, or, if it is negative, from there. It is an
ordinary transfer, which limits and freezes of both accounts can refuse. Both are locked by the
caller.

Errors: those of pgledger.post_transfers.
*/
create or replace function pgledger.sweep_account(
  account pgledger.accounts,
  other_account_id text
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_account_ids text[] := array[account.id, other_account_id];
  v_from integer := case when account.balance > 0 then 1 else 2 end;
begin
  perform pgledger.post_transfers(
    array[v_account_ids[v_from]], array[v_account_ids[3 - v_from]], array[abs(account.balance)],
    null, null, null, account.app_id, null, null, null
  );
  return true;
end;
$$;

comment on function pgledger.sweep_account is
  'Moves the whole balance of an account to another, or from there.';

revoke all on function pgledger.sweep_account from public;
