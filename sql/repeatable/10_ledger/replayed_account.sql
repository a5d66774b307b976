/*
The answer to a repeat whose first call opened or found that account: as it stands now.
*/
create or replace function pgledger.replayed_account(id text)
returns @extschema@.pgledger_account
language sql
stable
parallel safe
as $$
  select pgledger.account_answer(accounts, true)
  from pgledger.accounts
  where accounts.id = replayed_account.id
$$;

comment on function pgledger.replayed_account is
  'The answer to a repeat whose first call opened or found that account.';

revoke all on function pgledger.replayed_account from public;
