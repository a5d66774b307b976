/*
Computes a draft anew: usage, changes, coupons and prices as of now, with the tax rates that it has.
Of a one-off invoice only discounts and taxes.

Locks the subscription, the draft, and what the tenant has left of coupons, in this order.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidState.
*/
create or replace function ledger_refresh_invoice(
  app_id text,
  tenant_id text,
  id text
)
returns ledger_invoice
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_invoice pgledger.invoices := pgledger.lock_draft(app_id, tenant_id, id, 'refreshed');
begin
  perform pgledger.redraw_invoice(
    v_invoice,
    (
      select subscriptions
      from pgledger.subscriptions
      where subscriptions.key = v_invoice.subscription_key
    )
  );
  return pgledger.invoice_with_key(v_invoice.key);
end;
$$;

comment on function ledger_refresh_invoice is
$$Computes a draft anew.

[[was: Computes a draft anew, as of now, and returns it.]]

app_id: App.
tenant_id: Who is billed.
id: The invoice's id.

Returns: The invoice; with the same version as before where nothing changed.

Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound (the tenant has
  no such invoice), InvalidState (it is no draft).$$;

revoke all on function ledger_refresh_invoice from public;
grant execute on function ledger_refresh_invoice to pgledger_poster;
