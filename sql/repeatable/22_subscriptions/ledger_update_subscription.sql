/*
Changes what a subscription has of its own: quantity, metadata and tax rates; null leaves each as it
is. Nothing is written if all are so already.

Locks the subscription, and first writes down what the clock has decided about it.
Checks, in this order: app_id, tenant_id, id, existence, quantity, metadata, tax_rates,
status.
Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound, InvalidQuantity,
InvalidMetadata, InvalidInvoice, InvalidState.
*/
create or replace function ledger_update_subscription(
  app_id text,
  tenant_id text,
  id text,
  quantity numeric default null,
  metadata jsonb default null,
  tax_rates jsonb default null
)
returns ledger_subscription
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
begin
  if quantity is not null then
    perform pgledger.check_subscription_quantity(quantity);
  end if;
  perform pgledger.check_metadata(metadata);
  if tax_rates is not null then
    perform pgledger.check_tax_rates(tax_rates);
  end if;

  if (
    coalesce(quantity, v_new.quantity),
    coalesce(metadata, v_new.metadata),
    coalesce(tax_rates, v_new.tax_rates)
  ) is not distinct from (v_new.quantity, v_new.metadata, v_new.tax_rates) then
    return pgledger.subscription_of(v_new.key);
  elsif v_new.status = 'canceled' then
    perform pgledger.refuse_move(v_new, 'updated');
  end if;

  v_new.quantity := coalesce(quantity, v_new.quantity);
  v_new.metadata := coalesce(metadata, v_new.metadata);
  v_new.tax_rates := coalesce(tax_rates, v_new.tax_rates);
  v_new := pgledger.note_subscription_change(v_new, 'updated', v_now, v_now);
  return pgledger.store_subscription(v_new);
end;
$$;

comment on function ledger_update_subscription is
$$Changes quantity, metadata or tax rates.

What is null stays as it is.

[[was: Changes quantity, metadata and tax rates of a subscription and returns
it; null leaves them.]]

app_id: App.
tenant_id: Whose it is.
id: The subscription's id.
quantity: How many times the plan is taken. [[was: above 0; what it changes of
  the current period is prorated on the period's invoice.]], or null.
metadata: JSON object of the app's own. [[was: JSON object, at most 64 KiB,
  instead of the one before.]], or null.
tax_rates: Tax rates of its invoices, as for ledger_create_subscription.
  [[was: JSON array, instead of the one before, for invoices still to be drawn
  up.]], or null.

Returns: The subscription; with the same version as before where nothing
  changed.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound (the
  tenant has no such subscription), InvalidQuantity (the quantity is not in
  range), InvalidMetadata, InvalidInvoice (tax_rates are not valid; the
  message names the path), InvalidState (it is canceled).$$;

revoke all on function ledger_update_subscription from public;
grant execute on function ledger_update_subscription to pgledger_poster;
