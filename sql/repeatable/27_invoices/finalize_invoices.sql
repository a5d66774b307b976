/*
Makes drafts of an app final. Each is paid at once if nothing is due. It is to be paid at the time
given, or after the app's payment terms, in days of 24 hours whatever the session's time zone. What
it credits beyond what it charges is to be refunded if the subscription was canceled with a refund,
and otherwise kept.

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
    refund_due = case
      when subscriptions.unused_time = 'refund' then greatest(-invoices.total, 0 * invoices.total)
      else 0 * invoices.total
    end,
    unapplied = case
      when subscriptions.unused_time = 'refund' then 0 * invoices.total
      else greatest(-invoices.total, 0 * invoices.total)
    end,
    version = invoices.version + 1,
    updated_at = v_now
  from unnest(keys) as taken (key)
  inner join pgledger.invoices as draft on taken.key = draft.key
  left join pgledger.subscriptions on draft.subscription_key = subscriptions.key
  where invoices.key = draft.key and invoices.status = 'draft';

  perform pgledger.tell_of_invoices(app_id, 'invoice_finalized', keys);
  perform pgledger.tell_of_invoices(
    app_id,
    'invoice_paid',
    array(
      select invoices.key
      from unnest(keys) with ordinality as taken (key, place)
      inner join pgledger.invoices on taken.key = invoices.key
      where invoices.status = 'paid'
      order by taken.place
    )
  );
end;
$$;

comment on function pgledger.finalize_invoices is
  'Makes drafts of an app final: due dates, and what is to be paid back.';

revoke all on function pgledger.finalize_invoices from public;
