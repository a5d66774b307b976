/*
Tells an app's hook which invoices are paid because an invoice's credit has lowered what is due on
them.
*/
create or replace function pgledger.tell_of_paid_by_credit(invoice_key bigint)
returns void
language plpgsql
volatile
parallel unsafe
as $$
begin
  perform pgledger.tell_of_invoices(
    invoices.app_id, 'invoice_paid', array_agg(invoices.key order by invoices.key)
  )
  from pgledger.invoice_credits as given
  inner join pgledger.invoices on given.to_invoice_key = invoices.key
  where given.from_invoice_key = tell_of_paid_by_credit.invoice_key
    and given.amount > 0
    and invoices.status = 'paid'
  group by invoices.app_id;
end;
$$;

comment on function pgledger.tell_of_paid_by_credit is
  'Tells an app''s hook which invoices an invoice''s credit has paid.';

revoke all on function pgledger.tell_of_paid_by_credit from public;
