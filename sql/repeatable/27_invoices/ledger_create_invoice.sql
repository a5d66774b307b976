/*
Locks a currency of the app's own FOR SHARE, so that its exponent stays as it is until the invoice
is written. Of calls with the same id at the same time one writes, and the others wait for it.
Checks, in this order: app_id, tenant_id, currency, lines, tax_rates, metadata, id, repeat, total.
Errors: NullArgument, InvalidScope, UnknownCurrency, InvalidInvoice, InvalidMetadata, InvalidId,
IdempotencyConflict.
*/
create or replace function @extschema@.ledger_create_invoice(
  app_id text,
  tenant_id text,
  currency text,
  lines jsonb,
  tax_rates jsonb default '[]',
  metadata jsonb default null,
  id text default null
)
returns @extschema@.ledger_invoice
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_exponent integer;
  v_invoice pgledger.invoices;
  v_lines pgledger.invoice_lines[];
  v_complete record;
  v_key bigint;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_exponent := pgledger.lock_currency_exponent(app_id, currency);
  v_lines := pgledger.read_invoice_lines(lines, v_exponent);
  v_ok := pgledger.check_tax_rates(tax_rates);
  v_ok := pgledger.check_metadata(metadata);

  v_invoice.app_id := app_id;
  v_invoice.tenant_id := tenant_id;
  v_invoice.kind := 'one_off';
  v_invoice.currency := currency;
  v_invoice.tax_rates := tax_rates;
  v_invoice.metadata := metadata;
  v_invoice.created_at := v_now;

  if id is null then
    v_invoice.id := 'inv_' || pgledger.new_ulid(v_now);
  else
    v_ok := pgledger.check_id('id', id, 'inv');
    v_invoice.id := id;
    v_key := pgledger.repeated_invoice(v_invoice, v_lines);
  end if;

  if v_key is null then
    v_complete := pgledger.complete_invoice(v_invoice, v_lines, v_exponent);
    v_ok := pgledger.check_invoice_total(v_complete.invoice);
    v_key := pgledger.insert_one_off_invoice(v_complete.invoice, v_complete.lines);
  end if;
  return pgledger.invoice_with_key(v_key);
end;
$$;

comment on function @extschema@.ledger_create_invoice is
$$Draws up a one-off invoice, of lines that are given.

It is a draft, with the discounts of the coupons that the tenant has now.
Amounts are rounded to the currency's decimal places, half away from zero.

Call it in FROM: (ledger_create_invoice(...)).* calls it once for every
column.

app_id: App that the tenant belongs to.
tenant_id: Who is billed.
currency: Currency of every amount: a code of ISO 4217 or of the app's own.
lines: JSON array of what is charged or, below zero, credited: 1 to 1,000
  objects with description and either amount or quantity and unit_amount, for
  example [{"description": "Support", "quantity": "3", "unit_amount":
  "80.00"}]. Each may also have item, a text that coupons and tax rates can
  name, and period_start and period_end, times of ISO 8601 with an offset.
  Amounts are below 1e30 in size, quantities 0 or more.
tax_rates: JSON array of its tax rates, as for ledger_create_subscription;
  applies_to names items.
metadata: JSON object of the app's own, at most 64 KiB, or null.
id: The invoice's id if the caller chooses it: inv_ and a ULID. The same call
  with the same id returns that invoice as it is now; null for a new id.

Returns: A draft.

Errors: NullArgument, InvalidScope, UnknownCurrency (the currency is neither
  of ISO 4217 nor the app's own), InvalidInvoice (lines or tax_rates are not
  valid, or the total is not below 1e30 in size; the message names the path),
  InvalidMetadata, InvalidId, IdempotencyConflict (the id is taken by a
  different invoice).$$;

revoke all on function @extschema@.ledger_create_invoice from public;
grant execute on function @extschema@.ledger_create_invoice to pgledger_poster;
