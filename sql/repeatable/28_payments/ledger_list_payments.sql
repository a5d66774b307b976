/*
Checks, in this order: app_id, tenant_id, invoice_id, existence.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound.
*/
create or replace function @extschema@.ledger_list_payments(
  app_id text,
  tenant_id text,
  invoice_id text
)
returns setof @extschema@.ledger_payment
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_key bigint := pgledger.invoice_key(app_id, tenant_id, invoice_id, 'invoice_id');
begin
  return query
  select
    payment.id, payment.app_id, payment.tenant_id, invoices.id, payment.amount,
    invoices.currency, payment.reference, payment.paid_at, payment.created_at
  from pgledger.invoice_payments as payment
  inner join pgledger.invoices on payment.invoice_key = invoices.key
  where payment.invoice_key = v_key
  order by payment.key;
end;
$$;

comment on function @extschema@.ledger_list_payments is
$$Returns the payments made on an invoice, the newest last.

app_id: App that the tenant belongs to.
tenant_id: Who paid.
invoice_id: Which invoice: inv_ and a ULID.

Returns: The payments, in the order in which they were recorded.

Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound (the tenant has
  no such invoice).$$;

revoke all on function @extschema@.ledger_list_payments from public;
grant execute on function @extschema@.ledger_list_payments to pgledger_reader;
