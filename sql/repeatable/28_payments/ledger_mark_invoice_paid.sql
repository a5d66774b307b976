/*
Writes down that what remains of an invoice was paid, as one payment. One that is paid already is
returned as it is.

Locks the invoice.
Checks, in this order: app_id, tenant_id, id, existence, paid_at, reference, status.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidTime, InvalidArgument,
InvalidState.
*/
create or replace function ledger_mark_invoice_paid(
  app_id text,
  tenant_id text,
  id text,
  paid_at timestamptz default null,
  reference text default null
)
returns ledger_invoice
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_invoice pgledger.invoices := pgledger.lock_invoice(app_id, tenant_id, id);
  v_now timestamptz := pgledger.clock();
begin
  perform pgledger.check_payment(paid_at, reference, v_now);

  if v_invoice.status = 'paid' then
    return pgledger.invoice_with_key(v_invoice.key);
  end if;

  return pgledger.pay_invoice(
    v_invoice,
    v_invoice.amount_due - v_invoice.amount_paid,
    coalesce(paid_at, v_now),
    reference,
    null,
    v_now
  );
end;
$$;

comment on function ledger_mark_invoice_paid is
$$Records a payment of all that is still due.

[[was: Writes down a payment of what remains of a pending, past_due or
uncollectible invoice and returns the invoice, now paid; one that is paid
already stays as it is.]]

app_id: App.
tenant_id: Who paid.
id: The invoice's id.
paid_at: When, not in the future; null for now. [[was: not in the future; null
  for now.]], or null.
reference: What the payment is called where it was made. [[was: what the
  payment is called where it was made, at most 255 characters, or null.]], or
  null.

Returns: The invoice, paid; a second time it does not change.

Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound (the tenant has
  no such invoice), InvalidTime (paid_at is in the future or outside the years
  1 to 9999), InvalidArgument (the reference is not valid), InvalidState (the
  invoice is a draft or voided).$$;

revoke all on function ledger_mark_invoice_paid from public;
grant execute on function ledger_mark_invoice_paid to pgledger_poster;
