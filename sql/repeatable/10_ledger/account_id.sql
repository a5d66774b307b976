/*
The id of the account with that key.
*/
create or replace function pgledger.account_id(key bigint)
returns text
language sql
stable
parallel safe
as $$
  select accounts.id
  from pgledger.accounts
  where accounts.key = account_id.key
$$;

comment on function pgledger.account_id is 'Id of the account with that internal key.';

revoke all on function pgledger.account_id from public;
