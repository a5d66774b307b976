/*
How many decimal places amounts of a currency are rounded to; null if the app does not know the
currency. An app's own definition goes on counting if ISO 4217 takes up its code later, because
amounts were rounded by it.
*/
create or replace function pgledger.currency_exponent(
  app_id text,
  currency text
)
returns integer
language sql
stable
parallel safe
as $$
  select coalesce(
    (
      select currencies.exponent
      from pgledger.currencies
      where currencies.app_id = currency_exponent.app_id
        and currencies.code = currency_exponent.currency
    ),
    (
      select iso_currencies.exponent
      from pgledger.iso_currencies()
      where iso_currencies.code = currency_exponent.currency
    )
  )
$$;

comment on function pgledger.currency_exponent is
  'Decimal places of a currency of the app or of ISO 4217, or null if there is none of that code.';

revoke all on function pgledger.currency_exponent from public;
