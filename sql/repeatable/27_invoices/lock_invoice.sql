/*
A tenant's invoice, its row locked FOR NO KEY UPDATE. The name is that of the argument that holds
its id. A caller that changes which time and usage have been billed asks for with_subscription: the
invoice's subscription, if it has one, is then locked first, so that nobody draws up another of its
invoices meanwhile.

Checks, in this order: app_id, tenant_id, the id, existence.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound.
*/
create or replace function pgledger.lock_invoice(
  app_id text,
  tenant_id text,
  id text,
  name text default 'id',
  with_subscription boolean default false
)
returns pgledger.invoices
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_invoice pgledger.invoices;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_id(name, id, 'inv');

  if with_subscription then
    perform 1
    from pgledger.subscriptions
    where subscriptions.key = (
      select invoices.subscription_key
      from pgledger.invoices
      where invoices.id = lock_invoice.id
        and invoices.app_id = lock_invoice.app_id
        and invoices.tenant_id = lock_invoice.tenant_id
    )
    for no key update;
  end if;

  v_invoice := (
    select invoices
    from pgledger.invoices
    where invoices.id = lock_invoice.id
      and invoices.app_id = lock_invoice.app_id
      and invoices.tenant_id = lock_invoice.tenant_id
    for no key update
  );
  if v_invoice.key is null then
    v_ok := pgledger.fail('InvoiceNotFound', array[id, pgledger.in_catalogue(app_id, tenant_id)]);
  end if;

  return v_invoice;
end;
$$;

comment on function pgledger.lock_invoice is
  'A tenant''s invoice, locked to be changed; raises InvoiceNotFound.';

revoke all on function pgledger.lock_invoice from public;
