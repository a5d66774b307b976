/*
Makes drafts of an app final, in the order of the keys. Each is paid at once if nothing is due. It
is to be paid at the time given, or after the app's payment terms, in days of 24 hours whatever the
session's time zone. pgledger.settle_credit says what becomes of what it credits beyond what it
charges.

Their numbers come with pgledger.number_invoices, which locks the app's row: callers do that last.

The drafts are locked already, and their callers have seen that they are drafts: the condition on
the status is a second guard, so that no final invoice is ever made final again.
*/
create or replace function pgledger.finalize_invoices(
  app_id text,
  keys bigint[],
  due_at timestamptz default null
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_payment_terms integer := coalesce(
    (select apps.payment_terms from pgledger.apps where apps.app_id = finalize_invoices.app_id),
    30
  );
begin
  update pgledger.invoices
  set
    status = case when invoices.amount_due = 0 then 'paid' else 'pending' end,
    finalized_at = v_now,
    due_at = coalesce(
      finalize_invoices.due_at, v_now + v_payment_terms * interval '24 hours'
    ),
    paid_at = case when invoices.amount_due = 0 then v_now end,
    -- With the currency's decimals, like all amounts.
    amount_paid = 0 * invoices.total,
    refund_due = 0 * invoices.total,
    unapplied = 0 * invoices.total,
    version = invoices.version + 1,
    updated_at = v_now
  from unnest(keys) with ordinality as taken (key, place)
  where invoices.key = taken.key and invoices.status = 'draft';

  perform pgledger.settle_credit(taken.key, v_now)
  from unnest(keys) with ordinality as taken (key, place)
  inner join pgledger.invoices on taken.key = invoices.key
  where invoices.total < 0
  order by taken.place;
end;
$$;

comment on function pgledger.finalize_invoices is
  'Makes drafts of an app final: due dates, and what becomes of credits.';

revoke all on function pgledger.finalize_invoices from public;
