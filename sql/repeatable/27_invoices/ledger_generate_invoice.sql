/*
Locks the subscription. What the clock has decided about it is written down before the invoice is
drawn up. The lock is why there is only one invoice of a kind that starts at a time, however often
it is asked for.
Checks, in this order: app_id, tenant_id, subscription_id, existence, its time zone, kind, at,
tax_rates, the period, purged usage.
Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound, UnknownTimeZone,
InvalidArgument, InvalidTime, InvalidInvoice, UsagePurged.
*/
create or replace function @extschema@.ledger_generate_invoice(
  app_id text,
  tenant_id text,
  subscription_id text,
  at timestamptz default null,
  kind text default 'period',
  tax_rates jsonb default null
)
returns @extschema@.ledger_invoice
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
  v_ok boolean;
begin
  v_ok := pgledger.check_zones(v_subscription);
  v_subscription := pgledger.advance_subscription(v_subscription, pgledger.clock());
  v_request := pgledger.invoice_request(v_subscription, at, kind, tax_rates);
  -- In a statement of its own, so that the next one sees what it writes.
  v_key := pgledger.find_or_draft_invoice(
    v_subscription, kind, v_request.period_start, v_request.change_version, tax_rates
  );
  return pgledger.invoice_with_key(v_key);
end;
$$;

comment on function @extschema@.ledger_generate_invoice is
$$Draws up the invoice of a subscription's period.

It is a draft. That of the current period can be drawn up before the period
ends, and becomes final after it. What there is already of this subscription,
period and kind is returned as it is, unless it was voided. An interim invoice
goes on where the last final one ended.

app_id: App that the tenant belongs to.
tenant_id: Who is billed.
subscription_id: For which subscription.
at: A time in the period; null for the current period.
kind: What it is for. period: what the period has come to, and what the next
  one costs in advance. start: the base fee of a period that is paid in
  advance and is not on the invoice of the period before. change: what changes
  of plan or quantity come to in the period; there is one for each change, and
  it is that of the last. interim: usage until now. One of: period, start,
  change, interim.
tax_rates: JSON array of its tax rates, as for ledger_create_subscription;
  null for the subscription's.

Returns: The draft, or what there is already.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound (the
  tenant has no such subscription), UnknownTimeZone (the server does not know
  its time zone any more), InvalidArgument (there is no such kind, the
  subscription has no period at that time, kind is start and it was not active
  in that period, or kind is change and it did not change), InvalidTime (at is
  outside the years 1 to 9999), InvalidInvoice (tax_rates are not valid; the
  message names the path), UsagePurged (usage events of the period may have
  been purged).$$;

revoke all on function @extschema@.ledger_generate_invoice from public;
grant execute on function @extschema@.ledger_generate_invoice to pgledger_poster;
