/*
The balance of an account right after the entry of a version, as it was written; 0 before the first.
Versions have no gap, so that is one look-up, in one of two indexes.
*/
create or replace function pgledger.version_balance(account_key bigint, version bigint)
returns numeric
language plpgsql
stable
parallel safe
as $$
declare
  v_balance numeric;
begin
  if version = 0 then
    return 0;
  end if;

  select transfers.from_balance
  into v_balance
  from pgledger.transfers
  where transfers.from_key = account_key
    and transfers.from_version = version_balance.version;

  if not found then
    select transfers.to_balance
    into v_balance
    from pgledger.transfers
    where transfers.to_key = account_key
      and transfers.to_version = version_balance.version;
  end if;

  return v_balance;
end;
$$;

comment on function pgledger.version_balance is
  'Balance of an account right after the entry of a version; 0 before the first.';

revoke all on function pgledger.version_balance from public;
