/*
Lowers what is due on a final invoice by a credit that is written down already; or, by an amount
below zero, raises it again where the credit was taken back. With nothing left open it is paid. If
something is open again, it waits for payment as before: given up where it was, and otherwise
pending until ledger_advance sees that it is overdue.

The invoice is locked.
*/
create or replace function pgledger.lower_invoice(
  key bigint,
  amount numeric,
  at timestamptz
)
returns void
language sql
volatile
parallel unsafe
as $$
  update pgledger.invoices
  set
    credits_applied = invoices.credits_applied + lower_invoice.amount,
    amount_due = lowered.due,
    unapplied = invoices.unapplied
    + greatest(invoices.amount_paid - lowered.due, 0)
    - greatest(invoices.amount_paid - invoices.amount_due, 0),
    status = case
      when invoices.amount_paid >= lowered.due then 'paid'
      when invoices.status <> 'paid' then invoices.status
      when invoices.uncollectible_at is not null then 'uncollectible'
      else 'pending'
    end,
    paid_at = case
      when invoices.amount_paid >= lowered.due then pgledger.covered_at(invoices.key)
    end,
    version = invoices.version + 1,
    updated_at = lower_invoice.at
  from (
    select invoices.key, invoices.amount_due - lower_invoice.amount as due
    from pgledger.invoices
    where invoices.key = lower_invoice.key
  ) as lowered
  where invoices.key = lowered.key and invoices.status not in ('draft', 'voided')
$$;

comment on function pgledger.lower_invoice is
  'Lowers what is due on an invoice by a credit, or raises it again.';

revoke all on function pgledger.lower_invoice from public;
