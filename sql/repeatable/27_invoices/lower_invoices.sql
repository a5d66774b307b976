/*
Lowers what is due on the invoices that a credit was given to, as is written down, and tells the
app's hook of those that are paid by it.

The invoices are locked.
*/
create or replace function pgledger.lower_invoices(
  credit_key bigint,
  at timestamptz
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
begin
  perform pgledger.lower_invoice(given.to_invoice_key, given.amount, lower_invoices.at)
  from pgledger.invoice_credits as given
  where given.from_invoice_key = credit_key and given.amount > 0;

  perform pgledger.tell_of_invoices(
    invoices.app_id, 'invoice_paid', array_agg(invoices.key order by invoices.key)
  )
  from pgledger.invoice_credits as given
  inner join pgledger.invoices on given.to_invoice_key = invoices.key
  where given.from_invoice_key = credit_key and given.amount > 0 and invoices.status = 'paid'
  group by invoices.app_id;
end;
$$;

comment on function pgledger.lower_invoices is
  'Lowers what is due on the invoices that a credit was given to.';

revoke all on function pgledger.lower_invoices from public;
