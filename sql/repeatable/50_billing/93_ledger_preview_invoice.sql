/*
What ledger_generate_invoice would answer, without an id, and with nothing written or locked. Of an
invoice that stands: as it is. What the clock has decided and nobody has written down yet is not
looked at.

Checks, in this order: app_id, tenant_id, subscription_id, existence, kind, at, tax_rates.
Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound, InvalidArgument, InvalidTime,
InvalidInvoice, UsagePurged.
*/
create or replace function ledger_preview_invoice(
  app_id text,
  tenant_id text,
  subscription_id text,
  at timestamptz default null,
  kind text default 'period',
  tax_rates jsonb default null
)
returns ledger_invoices
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_subscription pgledger.subscriptions;
  v_request record;
  v_drawn record;
  v_written record;
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  perform pgledger.check_id('subscription_id', subscription_id, 'sub');
  v_subscription := (
    select subscriptions
    from pgledger.subscriptions
    where subscriptions.id = ledger_preview_invoice.subscription_id
      and subscriptions.app_id = ledger_preview_invoice.app_id
      and subscriptions.tenant_id = ledger_preview_invoice.tenant_id
  );
  if v_subscription.key is null then
    perform pgledger.fail(
      'LG112', array[subscription_id, pgledger.in_catalogue(app_id, tenant_id)]
    );
  end if;
  v_request := pgledger.invoice_request(v_subscription, at, kind, tax_rates);

  select invoices.key, invoices.status, invoices.tax_rates
  into v_written
  from pgledger.invoices
  where invoices.subscription_key = v_subscription.key
    and invoices.kind = ledger_preview_invoice.kind
    and invoices.period_start = v_request.period_start
    and invoices.status <> 'voided';
  if v_written.status <> 'draft' then
    return pgledger.invoice_of(v_written.key);
  end if;
  v_drawn := pgledger.draw_invoice(
    v_subscription, kind, v_request.period_start, v_request.as_of_version,
    coalesce(tax_rates, v_written.tax_rates), v_written.key
  );
  return pgledger.show_invoice(v_drawn.invoice, v_drawn.lines);
end;
$$;

comment on function ledger_preview_invoice is
  'What a subscription''s invoice for a period comes to as of now: the answer of '
  'ledger_generate_invoice, computed anew if there is a draft, without an id and with nothing '
  'written. Arguments as there. Errors: NullArgument, InvalidScope, InvalidId, '
  'SubscriptionNotFound, InvalidArgument, InvalidTime, InvalidInvoice, UsagePurged.';

revoke all on function ledger_preview_invoice from public;
grant execute on function ledger_preview_invoice to pgledger_reader;
