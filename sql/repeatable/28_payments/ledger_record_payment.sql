/*
Locks the invoice: of calls at the same time each sees what the ones before have left to pay.
Checks, in this order: app_id, tenant_id, invoice_id, existence, amount, paid_at, reference, id,
repeat, status.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidAmount, InvalidTime,
InvalidArgument, IdempotencyConflict, InvalidState.
*/
create or replace function @extschema@.ledger_record_payment(
  app_id text,
  tenant_id text,
  invoice_id text,
  amount numeric,
  paid_at timestamptz default null,
  reference text default null,
  id text default null
)
returns @extschema@.ledger_invoice
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_invoice pgledger.invoices := pgledger.lock_invoice(
    app_id, tenant_id, invoice_id, 'invoice_id'
  );
  v_now timestamptz := pgledger.clock();
  v_exponent integer := pgledger.currency_exponent(app_id, v_invoice.currency);
  v_ok boolean;
begin
  v_ok := pgledger.check_payment_amount(amount, v_invoice.currency, v_exponent);
  v_ok := pgledger.check_payment(paid_at, reference, v_now);

  if id is not null then
    v_ok := pgledger.check_id('id', id, 'pay');
    if pgledger.payment_is_repeated(id, v_invoice.key, amount, paid_at, reference) then
      return pgledger.invoice_with_key(v_invoice.key);
    end if;
  end if;

  return pgledger.pay_invoice(
    v_invoice,
    round(amount, v_exponent),
    coalesce(paid_at, v_now),
    reference,
    id,
    v_now
  );
end;
$$;

comment on function @extschema@.ledger_record_payment is
$$Records a payment on an invoice.

The invoice can be pending, past_due, uncollectible or paid. It is paid once
its payments cover amount_due; what they come to beyond that is added to
unapplied.

app_id: App that the tenant belongs to.
tenant_id: Who paid.
invoice_id: Which invoice: inv_ and a ULID.
amount: How much, in the invoice's currency and with no more decimal places
  than that has: above 0 and below 1e30.
paid_at: When it was paid, not in the future; null for now.
reference: What the payment is called where it was made, 1 to 255 characters,
  or null.
id: The payment's id if the caller chooses it: pay_ and a ULID. The same call
  with the same id records once and returns the invoice as it is now; null for
  a new id.

Returns: The invoice, paid or with less to pay.

Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound (the tenant has
  no such invoice), InvalidAmount (the amount is null, out of range, or has
  too many decimal places), InvalidTime (paid_at is in the future or outside
  the years 1 to 9999), InvalidArgument (the reference is not valid),
  IdempotencyConflict (the id is taken by a different payment), InvalidState
  (the invoice is a draft or voided).$$;

revoke all on function @extschema@.ledger_record_payment from public;
grant execute on function @extschema@.ledger_record_payment to pgledger_poster;
