/*
Records a payment that has been checked on an invoice whose row is locked, and returns the invoice.
paid_at of the invoice is when its payments and credits covered it (pgledger.covered_at).
Errors: IdempotencyConflict, InvalidState.
*/
create or replace function pgledger.pay_invoice(
  invoice pgledger.invoices,
  amount numeric,
  paid_at timestamptz,
  reference text,
  id text,
  now timestamptz
)
returns @extschema@.ledger_invoice
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_remaining numeric := greatest(invoice.amount_due - invoice.amount_paid, 0);
  v_id text := coalesce(pay_invoice.id, 'pay_' || pgledger.new_ulid(now));
  v_ok boolean;
begin
  insert into pgledger.invoice_payments (
    id, invoice_key, app_id, tenant_id, amount, reference, paid_at, created_at
  )
  values (
    v_id,
    invoice.key,
    invoice.app_id,
    invoice.tenant_id,
    pay_invoice.amount,
    pay_invoice.reference,
    pay_invoice.paid_at,
    now
  )
  on conflict on constraint invoice_payments_id_key do nothing;
  if not found then
    -- Taken by a payment of another invoice since we looked: those of this one wait for its lock.
    v_ok := pgledger.payment_is_repeated(id, invoice.key, amount, paid_at, reference);
    v_ok := pgledger.fail('IdempotencyConflict', array['id', id]);
  end if;

  update pgledger.invoices
  set
    status = case
      when pay_invoice.amount >= v_remaining then 'paid'
      else invoices.status
    end,
    amount_paid = invoices.amount_paid + pay_invoice.amount,
    unapplied = invoices.unapplied + greatest(pay_invoice.amount - v_remaining, 0),
    paid_at = case
      when pay_invoice.amount >= v_remaining
        then coalesce(invoices.paid_at, pgledger.covered_at(invoices.key))
    end,
    version = invoices.version + 1,
    updated_at = now
  where invoices.key = invoice.key
    and invoices.status in ('pending', 'past_due', 'uncollectible', 'paid');
  if not found then
    v_ok := pgledger.refuse_invoice_move(invoice, 'paid');
  end if;

  perform pgledger.note_change(
    'payment', v_id, 'recorded', now, invoice.app_id, invoice.tenant_id,
    jsonb_build_object(
      'invoice_id', invoice.id,
      'amount', pay_invoice.amount::text,
      'currency', invoice.currency,
      'paid_at', pgledger.argument_time(pay_invoice.paid_at)
    )
  );
  if invoice.status <> 'paid' and amount >= v_remaining then
    perform pgledger.tell_of_invoices(invoice.app_id, 'invoice_paid', array[invoice.key]);
  end if;
  return pgledger.invoice_with_key(invoice.key);
end;
$$;

comment on function pgledger.pay_invoice is
  'Records a payment on a locked invoice, and returns the invoice.';

revoke all on function pgledger.pay_invoice from public;
