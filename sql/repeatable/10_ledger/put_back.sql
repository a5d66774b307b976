/*
Puts an account's row back to what it was at that version, after it was updated for a transfer that
is not made. The caller holds the row.
*/
create or replace function pgledger.put_back(account_key bigint, version bigint)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
begin
  update pgledger.accounts
  set
    updated_at = coalesce(
      pgledger.version_time(put_back.account_key, put_back.version), accounts.created_at
    ),
    version = put_back.version,
    balance = pgledger.version_balance(put_back.account_key, put_back.version)
  where accounts.key = put_back.account_key;

  return true;
end;
$$;

comment on function pgledger.put_back is
  'Puts an account back to what it was at that version.';

revoke all on function pgledger.put_back from public;
