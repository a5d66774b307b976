/*
Sets how many decimal places amounts of one currency may have.

Checks, in this order: app_id, code, scale; then those of pgledger.scale_currencies, whose locks it
takes.
Errors: NullArgument, InvalidScope, InvalidCurrency, InvalidArgument, InvalidAmount.
*/
create or replace function @extschema@.pgledger_set_currency(
  code text,
  scale integer,
  app_id text default ''
)
returns @extschema@.pgledger_currency_scale
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_code_fault text := pgledger.text_fault(code, 1, 32, false);
  v_count integer;
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  if v_code_fault is not null then
    v_ok := pgledger.fail(
      'InvalidCurrency', array[quote_nullable(pgledger.abridged(code)), v_code_fault]
    );
  elsif scale not between 0 and 18 then
    v_ok := pgledger.fail(
      'InvalidArgument', array['scale', scale::text, 'it is not between 0 and 18']
    );
  end if;

  v_count := pgledger.scale_currencies(app_id, array[code], array[scale]);

  return row(app_id, code, scale);
end;
$$;

comment on function @extschema@.pgledger_set_currency is
$$Sets how many decimal places amounts of a currency may have.

Without it they may have 18. A transfer with more is refused from then on, and
so is this call while a balance, or a pending hold, has more. It holds for all
accounts of the currency, also for those that are opened later. A second call
with the same values changes nothing.

It waits for transactions that have opened accounts or moved money, and locks
all accounts of the currency until its own transaction ends. Call it before
there are many, at the isolation level read committed.

code: Code of the currency: 1 to 32 visible characters, for example USD.
scale: Decimal places, 0 to 18, no fewer than billing rounds the currency to:
  its exponent, or that of ISO 4217; null for 18, as if nothing had been set.
app_id: Set of books whose accounts it holds for.

Returns: What holds for the currency now.

Errors: NullArgument, InvalidScope, InvalidCurrency (the code is empty, has
  spaces or is too long), InvalidArgument (the scale is out of range or lower
  than billing's, or the transaction is not read committed), InvalidAmount (an
  account's balance, or a pending hold, has more decimal places).$$;

revoke all on function @extschema@.pgledger_set_currency from public;
grant execute on function @extschema@.pgledger_set_currency to pgledger_poster;
