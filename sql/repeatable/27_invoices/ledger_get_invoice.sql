/*
One invoice of a tenant, with its lines. An id that does not exist, or is another tenant's, is an
error rather than no row.

Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound.
*/
create or replace function ledger_get_invoice(
  app_id text,
  tenant_id text,
  id text
)
returns ledger_invoice
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  return pgledger.invoice_with_key(pgledger.invoice_key(app_id, tenant_id, id));
end;
$$;

comment on function ledger_get_invoice is
$$Returns an invoice.

[[was: The tenant's invoice of that id.]]

app_id: App.
tenant_id: Who is billed.
id: The invoice's id.

Returns: [[?]]

Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound (the tenant has
  no such invoice).$$;

revoke all on function ledger_get_invoice from public;
grant execute on function ledger_get_invoice to pgledger_reader;
