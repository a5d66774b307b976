/*
Checks, in this order: app_id, tenant_id, id, existence.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound.
*/
create or replace function @extschema@.ledger_get_invoice(
  app_id text,
  tenant_id text,
  id text
)
returns @extschema@.ledger_invoice
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

comment on function @extschema@.ledger_get_invoice is
$$Returns an invoice.

app_id: App that the tenant belongs to.
tenant_id: Who is billed.
id: Which invoice: inv_ and a ULID.

Returns: The invoice, with its lines.

Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound (the tenant has
  no such invoice).$$;

revoke all on function @extschema@.ledger_get_invoice from public;
grant execute on function @extschema@.ledger_get_invoice to pgledger_reader;
