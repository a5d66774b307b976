/*
What a sweep moves: what the account can spare now, or, if its transfer was made before under that
id, the amount of then. The caller has locked both accounts.

What has expired is left out, and released by the transfer that relies on it: holds are locked after
the key of a request, in every function.
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
begin
  if v_amount is not null then
    return v_amount;
  end if;

  v_amount := (
    select least(
      max_amount,
      accounts.balance
      - case
        when accounts.held_out = 0 then 0
        else pgledger.held_now(accounts.key, accounts.held_out, true)
      end
      - greatest(keep, accounts.min_balance)
    )
    from pgledger.accounts
    where accounts.id = from_account_id
  );
  -- Zeros that a caller's numbers end with would stay in both balances for ever.
  return case when scale(v_amount) > 18 then trim_scale(v_amount) else v_amount end;
end;
$$;

comment on function pgledger.amount_to_sweep is
  'What a sweep moves: what the account can spare, or the amount of its first call.';

revoke all on function pgledger.amount_to_sweep from public;
