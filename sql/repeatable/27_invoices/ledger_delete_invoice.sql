/*
Locks the subscription, then the invoice.
Checks, in this order: app_id, tenant_id, id, existence, status.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidState.
*/
create or replace function @extschema@.ledger_delete_invoice(
  app_id text,
  tenant_id text,
  id text
)
returns @extschema@.ledger_invoice
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.invoices := pgledger.lock_invoice(
    app_id, tenant_id, id, with_subscription => true
  );
  v_invoice record := pgledger.invoice_with_key(v_old.key);
  v_ok boolean;
begin
  -- What is locked keeps its status.
  if v_old.status <> 'draft' then
    v_ok := pgledger.refuse_invoice_move(v_old, 'deleted');
  end if;

  delete from pgledger.invoices
  where invoices.key = v_old.key;
  delete from pgledger.invoice_lines
  where invoice_lines.invoice_key = v_old.key;
  return v_invoice;
end;
$$;

comment on function @extschema@.ledger_delete_invoice is
$$Deletes a draft, with its lines.

An invoice that is final stays. ledger_mark_invoice_voided takes its effects
back.

app_id: App that the tenant belongs to.
tenant_id: Who is billed.
id: Which invoice: inv_ and a ULID.

Returns: The draft as it was.

Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound (the tenant has
  no such invoice), InvalidState (it is not a draft).$$;

revoke all on function @extschema@.ledger_delete_invoice from public;
grant execute on function @extschema@.ledger_delete_invoice to pgledger_poster;
