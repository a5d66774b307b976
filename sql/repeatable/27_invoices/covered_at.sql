/*
When payments and credits together covered an invoice, in the order of the times at which they were
made, not of the calls; null if they do not.
*/
create or replace function pgledger.covered_at(invoice_key bigint)
returns timestamptz
language sql
stable
parallel safe
as $$
  select min(so_far.at)
  from (
    select
      part.at,
      sum(part.amount) over (order by part.at) as amount
    from (
      select invoice_payments.paid_at as at, invoice_payments.amount
      from pgledger.invoice_payments
      where invoice_payments.invoice_key = covered_at.invoice_key
      union all
      select invoice_credits.created_at, invoice_credits.amount
      from pgledger.invoice_credits
      where invoice_credits.to_invoice_key = covered_at.invoice_key
        and invoice_credits.taken_back_at is null
    ) as part
  ) as so_far
  inner join pgledger.invoices on invoices.key = covered_at.invoice_key
  where so_far.amount >= invoices.total
$$;

comment on function pgledger.covered_at is
  'When payments and credits together covered an invoice.';

revoke all on function pgledger.covered_at from public;
