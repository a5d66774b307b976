/*
Refuses what cannot be the name and the currency of an account.

Errors: InvalidName, InvalidCurrency.
*/
create or replace function pgledger.check_account_name(
  name text,
  currency text,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_name_fault text := pgledger.text_fault(name, 1, 255, true);
  v_currency_fault text := pgledger.text_fault(currency, 1, 32, false);
  v_ok boolean;
begin
  if v_name_fault is not null then
    v_ok := pgledger.fail(
      'InvalidName', array[quote_nullable(pgledger.abridged(name)), v_name_fault],
      request_index, request_count
    );
  elsif v_currency_fault is not null then
    v_ok := pgledger.fail(
      'InvalidCurrency', array[quote_nullable(pgledger.abridged(currency)), v_currency_fault],
      request_index, request_count
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_account_name is
  'Raises InvalidName or InvalidCurrency unless an account can be called so.';

revoke all on function pgledger.check_account_name from public;
