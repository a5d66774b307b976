/*
Locks the subscription, the invoice, the invoices that its credit has lowered, and the redemptions
of its coupons, each ascending by key.
Checks, in this order: app_id, tenant_id, id, existence, reason, final invoices that go on from it,
status.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidArgument, InvalidState.
*/
create or replace function @extschema@.ledger_mark_invoice_voided(
  app_id text,
  tenant_id text,
  id text,
  reason text default null
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
    app_id, tenant_id, id, with_subscription => true
  );
  v_now timestamptz := pgledger.clock();
  v_reopened bigint[];
  v_ok boolean;
begin
  if reason is not null then
    v_ok := pgledger.check_text('reason', reason, 1000, allow_invisible => true);
  end if;

  if v_invoice.status = 'voided' then
    return pgledger.invoice_with_key(v_invoice.key);
  elsif v_invoice.status <> 'draft' and (v_invoice.status <> 'paid' or v_invoice.total <= 0) then
    v_ok := pgledger.check_no_final_invoice_goes_on_from(v_invoice, 'voided');
  end if;

  update pgledger.invoices
  set
    status = 'voided',
    unapplied = invoices.amount_paid,
    refund_due = 0 * invoices.refund_due,
    paid_at = null,
    voided_at = v_now,
    void_reason = reason,
    version = invoices.version + 1,
    updated_at = v_now
  where invoices.key = v_invoice.key
    and (
      invoices.status in ('pending', 'past_due', 'uncollectible')
      or (invoices.status = 'paid' and invoices.total <= 0)
    );
  if not found then
    v_ok := pgledger.refuse_invoice_move(v_invoice, 'voided');
  end if;

  v_reopened := pgledger.take_back_credit(v_invoice.key, v_now);
  perform pgledger.return_coupons(v_invoice.key, v_now);
  perform pgledger.tell_of_invoices(app_id, 'invoice_voided', array[v_invoice.key]);
  perform pgledger.tell_of_invoices(app_id, 'invoice_reopened', v_reopened);
  return pgledger.invoice_with_key(v_invoice.key);
end;
$$;

comment on function @extschema@.ledger_mark_invoice_voided is
$$Takes back an invoice as if it had not been.

It waits for payment, or its total is zero or below. Coupons that it used up
can be used again, and what was paid on it is kept as unapplied. If it is a
credit, that is taken back: what it lowered on other invoices is due again,
and nothing of it is kept or to be paid back. So void it before you pay it
back.

app_id: App that the tenant belongs to.
tenant_id: Who is billed.
id: Which invoice: inv_ and a ULID.
reason: Why, 1 to 1,000 characters, or null.

Returns: The invoice, voided. One that is so already is returned as it is.

Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound (the tenant has
  no such invoice), InvalidArgument (the reason is not valid), InvalidState
  (the invoice is a draft, or it was paid and its total is above zero, or a
  later invoice gives back a part of its base fee or has lowered it).$$;

revoke all on function @extschema@.ledger_mark_invoice_voided from public;
grant execute on function @extschema@.ledger_mark_invoice_voided to pgledger_poster;
