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
language plpgsql
stable
parallel safe
as $$
declare
  v_exponent integer := (
    select currencies.exponent
    from pgledger.currencies
    where currencies.app_id = currency_exponent.app_id
      and currencies.code = currency_exponent.currency
  );
begin
  -- A text of three characters without a space is found in a list only as a whole code.
  if v_exponent is null and char_length(currency) = 3 and strpos(currency, ' ') = 0 then
    v_exponent := (
      select minor_unit.exponent
      from pgledger.iso_minor_units() as minor_unit
      where strpos(minor_unit.codes, currency collate "C") > 0
    );
  end if;
  return v_exponent;
end;
$$;

comment on function pgledger.currency_exponent is
  'Decimal places of a currency of the app or of ISO 4217, or null if there is none of that code.';

revoke all on function pgledger.currency_exponent from public;
