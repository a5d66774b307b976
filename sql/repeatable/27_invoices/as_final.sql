/*
A draft as it is when it is final, but for its number: pending, or paid at once if nothing is due.
It is to be paid at the time given, or after the app's payment terms, in days of 24 hours whatever
the session's time zone. pgledger.settle_credit says what becomes of what it credits beyond what it
charges.
*/
create or replace function pgledger.as_final(
  invoice pgledger.invoices,
  now timestamptz,
  due_at timestamptz
)
returns pgledger.invoices
language plpgsql
stable
parallel safe
as $$
begin
  invoice.status := case when invoice.amount_due = 0 then 'paid' else 'pending' end;
  invoice.finalized_at := now;
  invoice.due_at := coalesce(
    as_final.due_at,
    now + interval '24 hours' * coalesce(
      (select apps.payment_terms from pgledger.apps where apps.app_id = invoice.app_id), 30
    )
  );
  invoice.paid_at := case when invoice.amount_due = 0 then now end;
  -- With the currency's decimals, like all amounts.
  invoice.amount_paid := 0 * invoice.total;
  invoice.refund_due := invoice.amount_paid;
  invoice.unapplied := invoice.amount_paid;
  invoice.version := coalesce(invoice.version, 1) + 1;
  invoice.updated_at := now;
  return invoice;
end;
$$;

comment on function pgledger.as_final is
  'A draft as it is when it is final, but for its number.';

revoke all on function pgledger.as_final from public;
