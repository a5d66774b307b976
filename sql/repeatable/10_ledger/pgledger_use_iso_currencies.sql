/*
Sets the decimal places of all currencies of ISO 4217, in one step, so that their accounts are
locked in one order.

Checks, in this order: app_id; then those of pgledger.scale_currencies, whose locks it takes.
Errors: NullArgument, InvalidScope, InvalidArgument, InvalidAmount.
*/
create or replace function @extschema@.pgledger_use_iso_currencies(app_id text default '')
returns integer
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_codes text[];
  v_scales integer[];
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);

  -- What billing rounds to: an app's own exponent counts where ISO 4217 took up its code later.
  select
    array_agg(iso_currencies.code),
    array_agg(pgledger.currency_exponent(app_id, iso_currencies.code))
  into v_codes, v_scales
  from pgledger.iso_currencies();

  return pgledger.scale_currencies(app_id, v_codes, v_scales);
end;
$$;

comment on function @extschema@.pgledger_use_iso_currencies is
$$Lets amounts of each currency have the decimal places that ISO 4217 says.

USD and EUR have 2 then, JPY has 0, KWD has 3. Call it once when you set up a
ledger. For a currency with another number of decimal places call
pgledger_set_currency afterwards: a second call of this would set it back, and
changes nothing else. Codes without a minor unit, such as XAU, and codes of
your own stay as they are.

It waits and locks as pgledger_set_currency does.

app_id: Set of books whose accounts it holds for.

Returns: How many currencies have got other decimal places than they had; 0 if
  all was so already.

Errors: NullArgument, InvalidScope, InvalidArgument (the transaction is not
  read committed), InvalidAmount (an account's balance, or a pending hold,
  has more decimal places).$$;

revoke all on function @extschema@.pgledger_use_iso_currencies from public;
grant execute on function @extschema@.pgledger_use_iso_currencies to pgledger_poster;
