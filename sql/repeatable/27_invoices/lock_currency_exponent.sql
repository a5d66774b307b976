/*
The decimal places of a new invoice's currency. A currency of the app's own is locked FOR SHARE, so
that its exponent stays until the invoice is written.

Errors: NullArgument, UnknownCurrency.
*/
create or replace function pgledger.lock_currency_exponent(
  app_id text,
  currency text
)
returns integer
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_exponent integer;
  v_ok boolean;
begin
  if currency is null then
    v_ok := pgledger.fail('NullArgument', array['currency']);
  end if;

  perform 1
  from pgledger.currencies
  where currencies.app_id = lock_currency_exponent.app_id
    and currencies.code = lock_currency_exponent.currency
  for share;

  v_exponent := pgledger.currency_exponent(app_id, currency);
  if v_exponent is null then
    v_ok := pgledger.fail(
      'UnknownCurrency', array[quote_literal(pgledger.abridged(currency)), pgledger.in_app(app_id)]
    );
  end if;
  return v_exponent;
end;
$$;

comment on function pgledger.lock_currency_exponent is
  'Decimal places of a currency, which is kept from changing; raises UnknownCurrency.';

revoke all on function pgledger.lock_currency_exponent from public;
