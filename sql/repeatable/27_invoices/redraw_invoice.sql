/*
Computes a draft anew, with the tax rates that it has, and overwrites it. Lines that the application
has given it stay, after those that are computed; a one-off invoice has no others.

The draft is locked, and so is its subscription, which is null for a one-off invoice.
Errors: UnknownTimeZone.
*/
create or replace function pgledger.redraw_invoice(
  invoice pgledger.invoices,
  subscription pgledger.subscriptions
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_lines pgledger.invoice_lines[] := pgledger.own_lines(invoice.key);
  v_drawn record;
  v_ok boolean;
begin
  if invoice.kind <> 'one_off' then
    v_ok := pgledger.check_zones(subscription);
    v_drawn := pgledger.draw_lines(
      subscription,
      invoice,
      pgledger.currency_exponent(invoice.app_id, invoice.currency)
    );
    invoice.period_end := v_drawn.period_end;
    invoice.rival_changes := v_drawn.rival_changes;
    v_lines := v_drawn.lines || v_lines;
  end if;
  v_drawn := pgledger.complete_invoice(invoice, v_lines);
  invoice := v_drawn.invoice;

  delete from pgledger.invoice_lines
  where invoice_lines.invoice_key = invoice.key;
  perform pgledger.store_lines(invoice.key, v_drawn.lines);
  update pgledger.invoices
  set
    period_end = invoice.period_end,
    rival_changes = invoice.rival_changes,
    subtotal = invoice.subtotal,
    discount = invoice.discount,
    tax = invoice.tax,
    total = invoice.total,
    amount_due = invoice.amount_due,
    version = invoice.version + 1,
    updated_at = v_now
  where invoices.key = invoice.key;
end;
$$;

comment on function pgledger.redraw_invoice is 'Computes a draft anew and overwrites it.';

revoke all on function pgledger.redraw_invoice from public;
