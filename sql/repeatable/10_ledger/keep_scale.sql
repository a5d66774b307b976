/*
Keeps the decimal places of a currency as they are until the transaction ends, for a new account.
The caller reads them in a statement that begins afterwards.

The currency's row is not locked: whoever opens an account would write to it. A snapshot that is
older than the lock may miss what has been set meanwhile, and then the transaction has to run again.
A row that it sees and that has changed says so when it is locked; one that it cannot see says so
when another is inserted in its place. Only such transactions insert, once a currency.

Every new account calls it: the first test is an expression by itself, which costs less than a
statement.

Locks: the app's currencies, shared; under repeatable read and serializable the currency's row, FOR
SHARE.
Errors: PostgreSQL's serialization_failure.
*/
create or replace function pgledger.keep_scale(app_id text, currency text)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
begin
  if
    pg_advisory_xact_lock_shared(pgledger.currencies_lock(app_id)) is null
    or current_setting('transaction_isolation') in ('read committed', 'read uncommitted')
  then
    return true;
  end if;

  perform 1
  from pgledger.currencies
  where currencies.app_id = keep_scale.app_id
    and currencies.code = keep_scale.currency
  for share;

  if not found then
    insert into pgledger.currencies (app_id, code)
    values (keep_scale.app_id, keep_scale.currency)
    on conflict on constraint currencies_app_id_code_pk do nothing;
  end if;
  return true;
end;
$$;

comment on function pgledger.keep_scale is
  'Keeps the decimal places of a currency from changing until the transaction ends.';

revoke all on function pgledger.keep_scale from public;
