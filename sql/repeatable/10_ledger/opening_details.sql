/*
What an account was opened with, in users' words: what its first change found, or, if nothing has
changed it, what it is.
*/
create or replace function pgledger.opening_details(account pgledger.accounts)
returns jsonb
language sql
stable
parallel safe
as $$
  select jsonb_build_object(
    'currency', account.currency,
    'name', created.value -> 'name',
    'min_balance', created.value ->> 'min_balance',
    'max_balance', created.value ->> 'max_balance',
    'metadata', created.value -> 'metadata'
  )
  from pgledger.account_as_created(account.id) as created (value)
$$;

comment on function pgledger.opening_details is
  'What an account was opened with, as the details of a change.';

revoke all on function pgledger.opening_details from public;
