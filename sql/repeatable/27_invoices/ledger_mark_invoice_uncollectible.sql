/*
Locks the invoice.
Checks, in this order: app_id, tenant_id, id, existence, status.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidState.
*/
create or replace function @extschema@.ledger_mark_invoice_uncollectible(
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
  v_invoice pgledger.invoices := pgledger.lock_invoice(app_id, tenant_id, id);
  v_now timestamptz := pgledger.clock();
  v_ok boolean;
begin
  if v_invoice.status = 'uncollectible' then
    return pgledger.invoice_with_key(v_invoice.key);
  end if;

  update pgledger.invoices
  set
    status = 'uncollectible',
    uncollectible_at = v_now,
    version = invoices.version + 1,
    updated_at = v_now
  where invoices.key = v_invoice.key and invoices.status in ('pending', 'past_due');
  if not found then
    v_ok := pgledger.refuse_invoice_move(v_invoice, 'uncollectible');
  end if;

  perform pgledger.tell_of_invoices(app_id, 'invoice_uncollectible', array[v_invoice.key]);
  return pgledger.invoice_with_key(v_invoice.key);
end;
$$;

comment on function @extschema@.ledger_mark_invoice_uncollectible is
$$Gives up an invoice that waits for payment.

It can still be paid or voided.

app_id: App that the tenant belongs to.
tenant_id: Who is billed.
id: Which invoice: inv_ and a ULID.

Returns: The invoice, uncollectible. One that is so already is returned as it
  is.

Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound (the tenant has
  no such invoice), InvalidState (the invoice is a draft, paid or voided).$$;

revoke all on function @extschema@.ledger_mark_invoice_uncollectible from public;
grant execute on function @extschema@.ledger_mark_invoice_uncollectible to pgledger_poster;
