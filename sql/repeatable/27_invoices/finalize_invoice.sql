/*
Makes a draft final, as pgledger.as_final says. Its number comes with pgledger.number_invoices,
which locks the app's row: callers do that last.

The draft is locked already, and its caller has seen that it is one: the condition on the status is
a second guard, so that no final invoice is ever made final again.
*/
create or replace function pgledger.finalize_invoice(
  invoice_key bigint,
  due_at timestamptz default null
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_final pgledger.invoices := pgledger.as_final(
    (select invoices from pgledger.invoices where invoices.key = invoice_key), v_now, due_at
  );
begin
  update pgledger.invoices
  set
    status = v_final.status,
    finalized_at = v_final.finalized_at,
    due_at = v_final.due_at,
    paid_at = v_final.paid_at,
    amount_paid = v_final.amount_paid,
    refund_due = v_final.refund_due,
    unapplied = v_final.unapplied,
    version = v_final.version,
    updated_at = v_final.updated_at
  where invoices.key = invoice_key and invoices.status = 'draft';

  if v_final.total < 0 then
    perform pgledger.settle_credit(invoice_key, v_now);
  end if;
end;
$$;

comment on function pgledger.finalize_invoice is
  'Makes a draft final: its due date, and what becomes of a credit.';

revoke all on function pgledger.finalize_invoice from public;
