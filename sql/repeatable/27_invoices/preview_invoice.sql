/*
What a subscription's invoice comes to as of what is written down, without an id. An invoice that is
final is returned as it is.

Errors: InvalidArgument, InvalidTime, InvalidInvoice, UsagePurged.
*/
create or replace function pgledger.preview_invoice(
  subscription pgledger.subscriptions,
  at timestamptz,
  kind text,
  tax_rates jsonb
)
returns @extschema@.ledger_invoice
language plpgsql
stable
parallel safe
as $$
declare
  v_request record := pgledger.invoice_request(subscription, at, kind, tax_rates);
  v_drawn record;
  v_written record;
begin
  select invoices.key, invoices.status, invoices.tax_rates
  into v_written
  from pgledger.invoices
  where invoices.subscription_key = subscription.key
    and invoices.kind = preview_invoice.kind
    and invoices.period_start = v_request.period_start
    and invoices.change_version = coalesce(v_request.change_version, 0)
    and invoices.status <> 'voided';
  if v_written.status <> 'draft' then
    return pgledger.invoice_with_key(v_written.key);
  end if;
  v_drawn := pgledger.draw_invoice(
    subscription, kind, v_request.period_start, v_request.change_version,
    coalesce(tax_rates, v_written.tax_rates), v_written.key
  );
  return pgledger.show_invoice(v_drawn.invoice, v_drawn.lines);
end;
$$;

comment on function pgledger.preview_invoice is
  'What a subscription''s invoice comes to as of what is written down.';

revoke all on function pgledger.preview_invoice from public;
