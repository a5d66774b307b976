/*
Raises InvalidState. target completes "invoice ... cannot become".

Errors: InvalidState.
*/
create or replace function pgledger.refuse_invoice_move(
  invoice pgledger.invoices,
  target text
)
returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  return pgledger.fail('InvalidState', array['invoice', invoice.id, invoice.status, target]);
end;
$$;

comment on function pgledger.refuse_invoice_move is
  'Raises that an invoice cannot become what it was to become.';

revoke all on function pgledger.refuse_invoice_move from public;
