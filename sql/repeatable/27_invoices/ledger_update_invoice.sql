/*
Locks the subscription, the draft, and what the tenant has left of coupons, in this order. Where the
lines stay as they are, nothing else is computed anew.
Checks, in this order: app_id, tenant_id, id, existence, status, metadata, lines, total.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidState, InvalidMetadata,
InvalidInvoice.
*/
create or replace function @extschema@.ledger_update_invoice(
  app_id text,
  tenant_id text,
  id text,
  metadata jsonb default null,
  lines jsonb default null
)
returns @extschema@.ledger_invoice
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_invoice pgledger.invoices := pgledger.lock_draft(app_id, tenant_id, id, 'updated');
  v_lines pgledger.invoice_lines[];
  v_ok boolean;
begin
  v_ok := pgledger.check_metadata(metadata);
  if lines is not null then
    v_lines := pgledger.read_invoice_lines(
      lines,
      pgledger.currency_exponent(app_id, v_invoice.currency),
      at_least => case when v_invoice.kind = 'one_off' then 1 else 0 end
    );
  end if;

  if metadata <> coalesce(v_invoice.metadata, 'null') then
    update pgledger.invoices
    set
      metadata = ledger_update_invoice.metadata,
      version = invoices.version + 1,
      updated_at = pgledger.clock()
    where invoices.key = v_invoice.key;
  end if;

  if lines is not null then
    delete from pgledger.invoice_lines
    where invoice_lines.invoice_key = v_invoice.key;
    perform pgledger.store_lines(v_invoice.key, v_lines);
    perform pgledger.redraw_invoice(
      (select invoices from pgledger.invoices where invoices.key = v_invoice.key),
      (
        select subscriptions
        from pgledger.subscriptions
        where subscriptions.key = v_invoice.subscription_key
      )
    );
    v_ok := pgledger.check_invoice_total(
      (select invoices from pgledger.invoices where invoices.key = v_invoice.key)
    );
  end if;
  return pgledger.invoice_with_key(v_invoice.key);
end;
$$;

comment on function @extschema@.ledger_update_invoice is
$$Changes a draft's metadata and the lines that the application gives it.

What is null stays as it is; what is given replaces what there was, as a
whole. A subscription's draft keeps the lines that are computed, which come
first; lines of the application's own stay when it is computed anew, and are
gone if it is deleted or voided.

A draft whose lines or metadata were changed is no longer what the call with
its id asked for: repeating that call is then an IdempotencyConflict.

app_id: App that the tenant belongs to.
tenant_id: Who is billed.
id: Which invoice: inv_ and a ULID.
metadata: JSON object of the app's own, at most 64 KiB, or null.
lines: JSON array of what the application charges or, below zero, credits, as
  for ledger_create_invoice: 1 to 1,000 objects, for example [{"description":
  "Setup", "amount": "80.00"}]; for a subscription's draft also none, or null.

Returns: The draft; with lines, computed anew.

Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound (the tenant has
  no such invoice), InvalidState (it is not a draft), InvalidMetadata,
  InvalidInvoice (lines are not valid, or the total is not below 1e30 in size;
  the message names the path).$$;

revoke all on function @extschema@.ledger_update_invoice from public;
grant execute on function @extschema@.ledger_update_invoice to pgledger_poster;
