/*
How many decimal places amounts of a new account may have: those that are set for its currency, or
null. They stay as they are until the transaction ends.

The currency's row is not locked: whoever opens an account would write to it. A snapshot that is
older than the lock may miss what has been set meanwhile, and then the transaction has to run again.
A row that it sees and that has changed says so when it is locked; one that it cannot see says so
when another is inserted in its place. Only such transactions insert, once a currency.

Locks: the app's currencies, shared; under repeatable read and serializable the currency's row, FOR
SHARE.
Errors: PostgreSQL's serialization_failure.
*/
create or replace function pgledger.new_account_scale(app_id text, currency text)
returns smallint
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_scale smallint;
begin
  perform pg_advisory_xact_lock_shared(pgledger.currencies_lock(app_id));

  if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
    select currencies.amount_scale
    into v_scale
    from pgledger.currencies
    where currencies.app_id = new_account_scale.app_id
      and currencies.code = new_account_scale.currency
    for share;

    if not found then
      insert into pgledger.currencies (app_id, code)
      values (new_account_scale.app_id, new_account_scale.currency)
      on conflict on constraint currencies_app_id_code_pk do nothing;
    end if;
    return v_scale;
  end if;

  return (
    select currencies.amount_scale
    from pgledger.currencies
    where currencies.app_id = new_account_scale.app_id
      and currencies.code = new_account_scale.currency
  );
end;
$$;

comment on function pgledger.new_account_scale is
  'Decimal places of a new account''s currency, which stay until the transaction ends, or null.';

revoke all on function pgledger.new_account_scale from public;
