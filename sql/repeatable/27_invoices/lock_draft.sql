/*
A tenant's draft, locked. What the clock has decided about its subscription is written down first.
An invoice that has become the target already is returned as it is.

Locks the subscription, the invoice, and what the tenant has left of coupons, in this order.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidState.
*/
create or replace function pgledger.lock_draft(
  app_id text,
  tenant_id text,
  id text,
  target text
)
returns pgledger.invoices
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_invoice pgledger.invoices;
  v_subscription_id text;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_id('id', id, 'inv');
  v_subscription_id := (
    select subscriptions.id
    from pgledger.invoices
    inner join pgledger.subscriptions on invoices.subscription_key = subscriptions.key
    where invoices.id = lock_draft.id
      and invoices.app_id = lock_draft.app_id
      and invoices.tenant_id = lock_draft.tenant_id
  );
  if v_subscription_id is not null then
    perform pgledger.advance_subscription(
      pgledger.lock_subscription(app_id, tenant_id, v_subscription_id), pgledger.clock()
    );
  end if;

  v_invoice := pgledger.lock_invoice(app_id, tenant_id, id);
  if v_invoice.status not in ('draft', target)
    and (v_invoice.status = 'paid' and target = 'pending' and v_invoice.amount_due = 0)
    is not true then
    v_ok := pgledger.refuse_invoice_move(v_invoice, target);
  end if;
  perform pgledger.lock_redemptions(app_id, tenant_id, true);
  return v_invoice;
end;
$$;

comment on function pgledger.lock_draft is
  'A tenant''s draft, locked with what it is computed from; raises unless it is one or has become '
  'the target.';

revoke all on function pgledger.lock_draft from public;
