/*
An account's row as functions answer with it. A column that a row of accounts gets is shown by being
added here, in the type and in the view.
*/
create or replace function pgledger.account_answer(
  account pgledger.accounts,
  replayed boolean
)
returns @extschema@.pgledger_account
language plpgsql
stable
parallel safe
as $$
begin
  -- What has expired no longer counts, whether or not the sums contain it still.
  if account.held_out <> 0 then
    account.held_out := pgledger.held_now(account.key, account.held_out, true);
  end if;
  if account.held_in <> 0 then
    account.held_in := pgledger.held_now(account.key, account.held_in, false);
  end if;

  return row(
    account.id, account.name, account.currency, account.balance, account.version,
    account.min_balance is null or account.min_balance < 0,
    account.max_balance is null or account.max_balance > 0,
    account.metadata, account.created_at, account.updated_at, account.app_id, account.tenant_id,
    account.min_balance, account.max_balance, account.held_out, account.held_in,
    account.balance - account.held_out - coalesce(account.min_balance, 0),
    pgledger.account_status(account.status), account.amount_scale::integer, replayed
  );
end;
$$;

comment on function pgledger.account_answer is
  'The answer that shows an account; replayed says whether the call was a repeat, or null.';

revoke all on function pgledger.account_answer from public;
