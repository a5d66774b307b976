/*
Locks the subscription, the draft, and what the tenant has left of coupons, in this order.
Checks, in this order: app_id, tenant_id, id, existence, status.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidState.
*/
create or replace function @extschema@.ledger_refresh_invoice(
  app_id text,
  tenant_id text,
  id text
)
returns @extschema@.ledger_invoice
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

comment on function @extschema@.ledger_refresh_invoice is
$$Computes a draft anew.

Usage, changes, coupons and prices count as of now; the tax rates stay. Of a
one-off invoice only discounts and taxes are computed anew.

app_id: App that the tenant belongs to.
tenant_id: Who is billed.
id: Which invoice: inv_ and a ULID.

Returns: The draft, as of now.

Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound (the tenant has
  no such invoice), InvalidState (it is not a draft).$$;

revoke all on function @extschema@.ledger_refresh_invoice from public;
grant execute on function @extschema@.ledger_refresh_invoice to pgledger_poster;
