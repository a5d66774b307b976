/*
Locks the invoice.
Checks, in this order: app_id, tenant_id, id, existence, paid_at, reference, status.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidTime, InvalidArgument,
InvalidState.
*/
create or replace function @extschema@.ledger_mark_invoice_paid(
  app_id text,
  tenant_id text,
  id text,
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
  v_invoice pgledger.invoices := pgledger.lock_invoice(app_id, tenant_id, id);
  v_now timestamptz := pgledger.clock();
  v_ok boolean;
begin
  v_ok := pgledger.check_payment(paid_at, reference, v_now);

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

comment on function @extschema@.ledger_mark_invoice_paid is
$$Records a payment of all that is still due.

app_id: App that the tenant belongs to.
tenant_id: Who paid.
id: Which invoice: inv_ and a ULID.
paid_at: When it was paid, not in the future; null for now.
reference: What the payment is called where it was made, 1 to 255 characters,
  or null.

Returns: The invoice, paid. One that is paid already is returned as it is.

Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound (the tenant has
  no such invoice), InvalidTime (paid_at is in the future or outside the years
  1 to 9999), InvalidArgument (the reference is not valid), InvalidState (the
  invoice is a draft or voided).$$;

revoke all on function @extschema@.ledger_mark_invoice_paid from public;
grant execute on function @extschema@.ledger_mark_invoice_paid to pgledger_poster;
