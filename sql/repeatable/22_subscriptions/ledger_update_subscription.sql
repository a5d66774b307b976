/*
Nothing is written if all three values are so already.

Locks the subscription, and first writes what has become due for it.
Checks, in this order: app_id, tenant_id, id, existence, quantity, metadata, tax_rates, invoice,
status.
*/
create or replace function @extschema@.ledger_update_subscription(
  app_id text,
  tenant_id text,
  id text,
  quantity numeric default null,
  metadata jsonb default null,
  tax_rates jsonb default null,
  invoice text default null
)
returns @extschema@.ledger_subscription
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.subscriptions := pgledger.lock_subscription(app_id, tenant_id, id);
  v_now timestamptz := pgledger.subscription_clock(v_old);
  v_new pgledger.subscriptions := pgledger.advance_subscription(v_old, v_now);
  v_invoice_now boolean;
  v_ok boolean;
begin
  if quantity is not null then
    v_ok := pgledger.check_subscription_quantity(quantity);
  end if;
  v_ok := pgledger.check_metadata(metadata);
  if tax_rates is not null then
    v_ok := pgledger.check_tax_rates(tax_rates);
  end if;
  if invoice is not null then
    v_ok := pgledger.check_choice('invoice', invoice, array['now', 'next']);
  end if;

  if (
    coalesce(quantity, v_new.quantity),
    coalesce(metadata, v_new.metadata),
    coalesce(tax_rates, v_new.tax_rates)
  ) is not distinct from (v_new.quantity, v_new.metadata, v_new.tax_rates) then
    return pgledger.subscription_with_key(v_new.key);
  elsif v_new.status = 'canceled' then
    v_ok := pgledger.refuse_subscription_change(v_new, 'updated');
  end if;

  v_invoice_now := quantity <> v_new.quantity
    and pgledger.invoiced_at_once(invoice, v_new, v_new);
  v_new.quantity := coalesce(quantity, v_new.quantity);
  v_new.metadata := coalesce(metadata, v_new.metadata);
  v_new.tax_rates := coalesce(tax_rates, v_new.tax_rates);
  v_new := pgledger.note_subscription_change(
    v_new, 'updated', v_now, v_now, coalesce(v_invoice_now, false)
  );
  return pgledger.store_subscription(v_new);
end;
$$;

comment on function @extschema@.ledger_update_subscription is
$$Changes a subscription's quantity, metadata or tax rates.

What is null stays as it is; what is given replaces what there was, as a
whole.

app_id: App.
tenant_id: Tenant whose it is.
id: Id of the subscription.
quantity: How many times the plan is taken, above 0; the change is prorated,
  or null.
metadata: JSON object of the app's own, at most 64 KiB, or null.
tax_rates: JSON array of the tax rates of invoices still to be drawn up, as
  for ledger_create_subscription, or null.
invoice: When another quantity is invoiced: now makes an invoice of its own
  due, next puts it on the period's. One of: now, next; null for now where the
  period is longer than a month or 31 days, and else for next.

Returns: The subscription; with the same version as before if nothing changed.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound (the
  tenant has no such subscription), InvalidQuantity (the quantity is not in
  range), InvalidMetadata, InvalidInvoice (tax_rates are not valid; the
  message names the path), InvalidArgument (invoice is none of its values),
  InvalidState (it is canceled).$$;

revoke all on function @extschema@.ledger_update_subscription from public;
grant execute on function @extschema@.ledger_update_subscription to pgledger_poster;
