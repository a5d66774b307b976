/*
Draws up a one-off invoice out of lines that the caller gives: a draft, with the discounts of the
coupons that the tenant has now and the taxes of the rates given.

With an id of the caller's choice the call can be repeated: the second call returns the invoice as
it stands now if it asks for the same, and is refused if not.

Locks a currency of the app's own FOR SHARE. Whoever creates another invoice of that id at the same
time goes first or waits.
Checks, in this order: app_id, tenant_id, currency, lines, tax_rates, metadata, id, repeat, total.
Errors: NullArgument, InvalidScope, UnknownCurrency, InvalidInvoice, InvalidMetadata, InvalidId,
IdempotencyConflict.
*/
create or replace function ledger_create_invoice(
  app_id text,
  tenant_id text,
  currency text,
  lines jsonb,
  tax_rates jsonb default '[]',
  metadata jsonb default null,
  id text default null
)
returns ledger_invoice
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_invoice pgledger.invoices;
  v_lines pgledger.invoice_lines[];
  v_complete record;
  v_key bigint;
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  v_lines := pgledger.read_invoice_lines(lines, pgledger.invoice_exponent(app_id, currency));
  if tax_rates is null then
    perform pgledger.fail('NullArgument', array['tax_rates']);
  end if;
  perform pgledger.check_tax_rates(tax_rates);
  perform pgledger.check_metadata(metadata);

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
    perform pgledger.check_id('id', id, 'inv');
    v_invoice.id := id;
    v_key := pgledger.repeated_invoice(v_invoice, v_lines);
  end if;

  if v_key is null then
    v_complete := pgledger.complete_invoice(v_invoice, v_lines);
    if greatest(abs((v_complete.invoice).subtotal), abs((v_complete.invoice).total)) >= 1e30 then
      perform pgledger.refuse_plan(
        null, '$.lines', 'comes to a total that is not below 1e30 in size'
      );
    end if;
    v_key := pgledger.insert_one_off_invoice(v_complete.invoice, v_complete.lines);
  end if;
  return pgledger.invoice_of(v_key);
end;
$$;

comment on function ledger_create_invoice is
  'Draws up a one-off invoice, a draft, and returns it. Call it in FROM: '
  '(ledger_create_invoice(...)).* calls it once for every column. currency: a code of ISO 4217 or '
  'of the app''s own. lines: JSON array of 1 to 1000 objects: description, and either amount or '
  'quantity and unit_amount; optionally item (what coupons and tax rates can name), period_start '
  'and period_end (ISO 8601 with an offset). Amounts are rounded to the currency''s exponent; '
  'below zero they are credits. tax_rates: JSON array of at most 20 objects: name, percentage (0 '
  'to 100), and optionally applies_to, an array of items. metadata: JSON object, at most 64 KiB, '
  'or null. id: of your choice (inv_ and a ULID), to make the call repeatable. Errors: '
  'NullArgument, InvalidScope, UnknownCurrency, InvalidInvoice, InvalidMetadata, InvalidId, '
  'IdempotencyConflict.';

revoke all on function ledger_create_invoice from public;
grant execute on function ledger_create_invoice to pgledger_poster;
