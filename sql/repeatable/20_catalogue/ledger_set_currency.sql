/*
The exponent stays once something is in the currency, because amounts were rounded to it.

Locks the currency's row; whoever creates a plan in it holds that row FOR SHARE.
Checks, in this order: app_id, code, exponent, use, decimal places of the ledger.
*/
create or replace function @extschema@.ledger_set_currency(
  app_id text,
  code text,
  exponent integer
)
returns @extschema@.ledger_currency
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_code_fault text := pgledger.text_fault(code, 1, 32, false);
  v_standard integer;
  v_currency record;
  v_ok boolean;
begin
  v_ok := pgledger.check_app(app_id);

  if code is null then
    v_ok := pgledger.fail('NullArgument', array['code']);
  elsif v_code_fault is not null then
    v_ok := pgledger.fail(
      'InvalidCurrency', array[quote_literal(pgledger.abridged(code)), v_code_fault]
    );
  end if;

  v_standard := (
    select iso_currencies.exponent
    from pgledger.iso_currencies()
    where iso_currencies.code = ledger_set_currency.code
  );
  if v_standard is not null then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'code',
        quote_literal(code),
        format('it is a code of ISO 4217, whose exponent is %s', v_standard)
      ]
    );
  elsif exponent is null then
    v_ok := pgledger.fail('NullArgument', array['exponent']);
  elsif exponent not between 0 and 18 then
    v_ok := pgledger.fail(
      'InvalidArgument', array['exponent', exponent::text, 'it is not between 0 and 18']
    );
  end if;

  insert into pgledger.currencies (app_id, code, exponent)
  values (
    ledger_set_currency.app_id, ledger_set_currency.code, ledger_set_currency.exponent
  )
  on conflict on constraint currencies_app_id_code_pk do nothing;

  select currencies.app_id, currencies.code, currencies.exponent, currencies.amount_scale
  into v_currency
  from pgledger.currencies
  where currencies.app_id = ledger_set_currency.app_id
    and currencies.code = ledger_set_currency.code
  for no key update;

  if v_currency.exponent is distinct from exponent then
    if v_currency.exponent is not null then
      v_ok := pgledger.check_currency_unused(app_id, code, v_currency.exponent);
    end if;
    v_ok := pgledger.check_exponent(code, exponent, v_currency.amount_scale);

    update pgledger.currencies
    set exponent = ledger_set_currency.exponent
    where currencies.app_id = ledger_set_currency.app_id
      and currencies.code = ledger_set_currency.code;
  end if;

  return row(app_id, code, exponent);
end;
$$;

comment on function @extschema@.ledger_set_currency is
$$Defines a currency of the app's own, beside those of ISO 4217.

Its exponent can be changed until a plan, a coupon or an invoice is in the
currency. A second call with the same values changes nothing.

app_id: App that defines it.
code: Code of the currency, not one of ISO 4217: 1 to 32 visible characters.
exponent: Decimal places that amounts are rounded to, 0 to 18, no more than
  pgledger_set_currency has set for the app.

Returns: The currency.

Errors: NullArgument, InvalidScope, InvalidCurrency (the code cannot be one),
  InvalidArgument (the code is of ISO 4217, or the exponent is out of range or
  more than amounts of the ledger may have), InUse (the exponent would change
  while a plan, a coupon or an invoice is in the currency).$$;

revoke all on function @extschema@.ledger_set_currency from public;
grant execute on function @extschema@.ledger_set_currency to pgledger_poster;
