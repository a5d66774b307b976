/*
The balance of an account at a time, on either axis. The other arguments are the account's row, or a
part of it: after its newest entry nothing has to be looked for.
*/
create or replace function pgledger.balance_then(
  account_key bigint,
  version bigint,
  balance numeric,
  updated_at timestamptz,
  at timestamptz,
  axis text
)
returns numeric
language plpgsql
stable
parallel safe
as $$
declare
  v_balance numeric := balance;
begin
  if at < updated_at then
    v_balance := pgledger.version_balance(
      account_key, pgledger.version_at(account_key, version, updated_at, at)
    );
  end if;

  if axis = 'event' then
    v_balance := v_balance + pgledger.event_correction(account_key, updated_at, at);
  end if;

  return v_balance;
end;
$$;

comment on function pgledger.balance_then is
  'Balance of an account at a time; the axis is recorded or event.';

revoke all on function pgledger.balance_then from public;
