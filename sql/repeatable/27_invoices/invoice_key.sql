/*
The key of a tenant's invoice. The name is that of the argument that holds its id.

Checks, in this order: app_id, tenant_id, the id, existence.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound.
*/
create or replace function pgledger.invoice_key(
  app_id text,
  tenant_id text,
  id text,
  name text default 'id'
)
returns bigint
language plpgsql
stable
parallel safe
as $$
declare
  v_key bigint;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_id(name, id, 'inv');

  select invoices.key
  into v_key
  from pgledger.invoices
  where invoices.id = invoice_key.id
    and invoices.app_id = invoice_key.app_id
    and invoices.tenant_id = invoice_key.tenant_id;

  if not found then
    v_ok := pgledger.fail('InvoiceNotFound', array[id, pgledger.in_catalogue(app_id, tenant_id)]);
  end if;

  return v_key;
end;
$$;

comment on function pgledger.invoice_key is
  'Key of a tenant''s invoice of that id; raises InvoiceNotFound.';

revoke all on function pgledger.invoice_key from public;
