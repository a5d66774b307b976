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
  v_key := pgledger.find_or_draft_invoice(
    v_subscription, kind, v_request.period_start, v_request.as_of_version, tax_rates, true
  );
  return pgledger.invoice_with_key(v_key);
end;
$$;

comment on function ledger_generate_invoice is
$$Draws up the invoice of a subscription's period.

[[was: Draws up a subscription's invoice for a period as a draft and returns
it; if there is one, that one as it is.]]

app_id: App.
tenant_id: Who is billed.
subscription_id: For which subscription.
at: A time in the period; null for the current one. [[was: a time in the
  period, null for the current one, whose invoice can be drawn up before its
  end and becomes final after it.]], or null.
kind: period (what the period has come to, and what the next one costs in
  advance), start (the base fee of a period that is paid in advance and not on
  the invoice of the one before) or interim (usage until now). [[was: period
  for what a period has come to and what the next one costs in advance; start
  for the base fee of a period that is paid in advance and not on the invoice
  of the one before; interim for usage until now.]]
tax_rates: Tax rates, as for ledger_create_subscription; null for the
  subscription's. [[was: JSON array such as [{"name": "VAT", "percentage":
  "19", "applies_to": ["base"]}], null for the subscription's.]], or null.

Returns: A draft, which for period becomes final after the period's end; what
  there is already of this subscription, period and kind is returned as it is,
  unless it was voided.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound (the
  tenant has no such subscription), InvalidArgument (there is no such kind, or
  the subscription has no period at that time), InvalidTime (at is outside the
  years 1 to 9999), InvalidInvoice (tax_rates are not valid; the message names
  the path), UsagePurged (usage events of the period may have been purged).$$;

revoke all on function ledger_generate_invoice from public;
grant execute on function ledger_generate_invoice to pgledger_poster;
