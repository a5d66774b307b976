/*
Locks the accounts of those ids, and returns the ids of those that there are.

Locks: the accounts FOR NO KEY UPDATE ascending by id.
*/
create or replace function pgledger.lock_accounts(ids text[])
returns text[]
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_generic_plan
set enable_nestloop = off
set jit = off
as $$
begin
  return array(
    select accounts.id
    from pgledger.accounts
    where accounts.id = any(lock_accounts.ids)
    order by accounts.id
    for no key update
  );
end;
$$;

comment on function pgledger.lock_accounts is
  'Locks the accounts of those ids; returns the ids of those that there are.';

revoke all on function pgledger.lock_accounts from public;
