/*
What a sweep moves: what the account can spare now, or, if its transfer was made before under that
id, the amount of then. The caller has locked both accounts.

Locks: expired holds of both accounts FOR NO KEY UPDATE, ascending by id.
*/
create or replace function pgledger.amount_to_sweep(
  from_account_id text,
  to_account_id text,
  max_amount numeric,
  keep numeric,
  id text
)
returns numeric
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_amount numeric := (
    select transfers.amount from pgledger.transfers where transfers.id = amount_to_sweep.id
  );
  v_ok boolean;
begin
  if v_amount is not null then
    return v_amount;
  end if;

  v_ok := pgledger.release_expired(
    array(
      select accounts.key
      from pgledger.accounts
      where accounts.id in (from_account_id, to_account_id)
        and (accounts.held_out <> 0 or accounts.held_in <> 0)
    ),
    pgledger.clock()
  );
  return (
    select least(
      max_amount,
      accounts.balance - accounts.held_out - greatest(keep, accounts.min_balance)
    )
    from pgledger.accounts
    where accounts.id = from_account_id
  );
end;
$$;

comment on function pgledger.amount_to_sweep is
  'What a sweep moves: what the account can spare, or the amount of its first call.';

revoke all on function pgledger.amount_to_sweep from public;
