/*
Draws up a subscription's invoice for a period as a draft. There is one of each kind for a period
that stands: whoever asks for it again gets it as it is.

Locks the subscription, and first writes down what the clock has decided about it.
Checks, in this order: app_id, tenant_id, subscription_id, existence, kind, at, tax_rates.
Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound, InvalidArgument, InvalidTime,
InvalidInvoice, UsagePurged.
*/
create or replace function ledger_generate_invoice(
  app_id text,
  tenant_id text,
  subscription_id text,
  at timestamptz default null,
  kind text default 'period',
  tax_rates jsonb default null
)
returns ledger_invoice
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_subscription pgledger.subscriptions := pgledger.lock_subscription(
    app_id, tenant_id, subscription_id
  );
  v_request record;
  v_key bigint;
begin
  v_subscription := pgledger.advance_subscription(v_subscription, pgledger.clock());
  v_request := pgledger.invoice_request(v_subscription, at, kind, tax_rates);
  -- By itself, so that what it writes can be seen by what comes next.
  v_key := pgledger.ensure_invoice(
    v_subscription, kind, v_request.period_start, v_request.as_of_version, tax_rates, true
  );
  return pgledger.invoice_of(v_key);
end;
$$;

comment on function ledger_generate_invoice is
  'Draws up a subscription''s invoice for a period as a draft and returns it; if there is one, '
  'that one as it is. at: a time in the period, null for the current one, whose invoice can be '
  'drawn up before its end and becomes final after it. kind: period for what a period has come to '
  'and what the next one costs in advance; start for the base fee of a period that is paid in '
  'advance and not on the invoice of the one before; interim for usage until now. tax_rates: JSON '
  'array such as [{"name": "VAT", "percentage": "19", "applies_to": ["base"]}], null for the '
  'subscription''s. Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound, '
  'InvalidArgument, InvalidTime, InvalidInvoice, UsagePurged.';

revoke all on function ledger_generate_invoice from public;
grant execute on function ledger_generate_invoice to pgledger_poster;
