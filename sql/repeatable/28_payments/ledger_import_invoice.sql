/*
Locks the subscription, a currency of the app's own FOR SHARE, and the app's numbers, in this order;
the last until the transaction ends. What the clock has decided about the subscription is written
down first. Of calls with the same id at the same time one writes, and the others wait for it.
Checks, in this order: app_id, tenant_id, subscription_id, existence, zone, currency, lines,
tax_rates, metadata, due_at, paid_at, reference, id, repeat, kind, at, the period, purged usage, the
currency of the plan, an invoice that is there, total, earlier drafts.
Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound, UnknownTimeZone,
UnknownCurrency, InvalidInvoice, InvalidMetadata, InvalidTime, InvalidArgument, IdempotencyConflict,
UsagePurged, InvalidState.
*/
create or replace function @extschema@.ledger_import_invoice(
  app_id text,
  tenant_id text,
  currency text,
  lines jsonb,
  tax_rates jsonb default '[]',
  metadata jsonb default null,
  id text default null,
  subscription_id text default null,
  at timestamptz default null,
  kind text default 'period',
  due_at timestamptz default null,
  paid_at timestamptz default null,
  reference text default null
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
  v_subscription pgledger.subscriptions;
  v_invoice pgledger.invoices;
  v_exponent integer;
  v_lines pgledger.invoice_lines[];
  v_request record;
  v_complete record;
  v_key bigint;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  if subscription_id is not null then
    v_subscription := pgledger.lock_subscription(app_id, tenant_id, subscription_id);
    v_ok := pgledger.check_zones(v_subscription);
    v_subscription := pgledger.advance_subscription(v_subscription, v_now);
  end if;
  v_exponent := pgledger.lock_currency_exponent(app_id, currency);
  v_lines := pgledger.read_invoice_lines(
    lines, v_exponent, with_kind => subscription_id is not null
  );
  v_invoice.app_id := app_id;
  v_invoice.tenant_id := tenant_id;
  v_invoice.kind := case when subscription_id is null then 'one_off' else kind end;
  v_invoice.currency := currency;
  v_invoice.tax_rates := tax_rates;
  v_invoice.metadata := metadata;
  v_invoice.created_at := v_now;
  v_invoice.subscription_key := v_subscription.key;
  v_invoice.id := coalesce(id, 'inv_' || pgledger.new_ulid(v_now));
  v_ok := pgledger.check_import(v_invoice, due_at, paid_at, reference, v_now);
  v_key := pgledger.repeated_import(v_invoice, v_lines, at, paid_at, reference);
  if v_key is not null then
    return pgledger.invoice_with_key(v_key);
  end if;

  if subscription_id is not null then
    v_request := pgledger.import_request(v_subscription, at, v_invoice, v_exponent);
    v_invoice := v_request.invoice;
    v_lines := pgledger.imported_lines(
      v_lines, v_request.drawn, v_subscription, v_invoice.period_start, v_exponent
    );
  end if;
  v_complete := pgledger.complete_invoice(v_invoice, v_lines, v_exponent, is_import => true);
  v_ok := pgledger.check_invoice_total(v_complete.invoice);

  return pgledger.write_import(
    v_complete.invoice, v_complete.lines, due_at, paid_at, reference, v_now
  );
end;
$$;

comment on function @extschema@.ledger_import_invoice is
$$Writes down an invoice that was made elsewhere: final, and paid if it is.

It takes the app's next number; keep the number that it had in metadata. No
coupon takes anything off it. Taxes are computed from tax_rates, so give them
as they were, or give taxes as lines.

With a subscription it takes the place of the invoice of that kind and period,
which is then not drawn up. But what the period comes to counts as billed only
where a line says so, by its member kind: base_fee for the plan's fee, usage
for a feature, whose key is its item. Such a line bills all of that for good,
for what it says. Anything else that the period comes to is on the
subscription's next invoice. So record the usage, and import the invoices of
its periods in their order, before you call ledger_advance.

Without a subscription it is a one-off invoice.

app_id: App that the tenant belongs to.
tenant_id: Who is billed.
currency: Currency of every amount; that of the subscription's plan.
lines: JSON array of what was billed, as for ledger_create_invoice; with a
  subscription each may have kind, for example [{"description": "Plan",
  "kind": "base_fee", "amount": "49"}, {"description": "Calls", "kind":
  "usage", "item": "calls", "amount": "7.20"}]. kind is item where it is left
  out. A base fee of another period has period_start in that.
tax_rates: JSON array of its tax rates, as for ledger_create_subscription.
metadata: JSON object of the app's own, at most 64 KiB, or null.
id: The invoice's id if the caller chooses it: inv_ and a ULID. The same call
  with the same id returns that invoice as it is now; null for a new id.
subscription_id: Which subscription it is for; null for none.
at: A time in the period it is for; null for the current period.
kind: What it is for, as for ledger_generate_invoice, where there is a
  subscription; one of: period, start.
due_at: When it is to be paid; null for the app's payment terms from now on.
paid_at: When all of it was paid, not in the future; null for not yet.
reference: What that payment is called where it was made, 1 to 255 characters,
  or null.

Returns: The invoice, pending or paid.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound (the
  tenant has no such subscription), UnknownTimeZone, UnknownCurrency,
  InvalidInvoice (lines or tax_rates are not valid, a line bills something
  that the period does not come to, or the total is not below 1e30 in size;
  the message names the path), InvalidMetadata, InvalidTime (a time is
  outside the years 1 to 9999, or paid_at is in the future), InvalidArgument
  (the reference is not valid or there is no paid_at, there is no such kind,
  the currency is not the plan's, the subscription has no period at that
  time, or the period is not over), IdempotencyConflict (the id is taken by
  a different invoice), UsagePurged (usage events of the period may have
  been purged), InvalidState (there is such an invoice already, or an
  earlier draft comes first).$$;

revoke all on function @extschema@.ledger_import_invoice from public;
grant execute on function @extschema@.ledger_import_invoice to pgledger_poster;
