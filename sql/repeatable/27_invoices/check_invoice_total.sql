/*
Refuses lines of the application's own that make an invoice too large.

Errors: InvalidInvoice.
*/
create or replace function pgledger.check_invoice_total(invoice pgledger.invoices)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  if greatest(abs(invoice.subtotal), abs(invoice.total)) >= 1e30 then
    v_ok := pgledger.refuse_json(
      null, '$.lines', 'comes to a total that is not below 1e30 in size'
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_invoice_total is
  'Raises InvalidInvoice unless an invoice''s total is below 1e30 in size.';

revoke all on function pgledger.check_invoice_total from public;
