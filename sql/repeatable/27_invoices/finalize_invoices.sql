/*
Makes drafts of an app final, in the order of the keys. Each takes the app's next number and is paid
at once if nothing is due. It is to be paid at the time given, or after the app's payment terms, in
days of 24 hours whatever the session's time zone. pgledger.settle_credit says what becomes of what
it credits beyond what it charges.

The drafts are locked already, and their callers have seen that they are drafts: the condition on
the status is a second guard, so that no final invoice is ever given another number.

Locks the app's row and holds it until the transaction ends: numbers have no gap because
transactions take them one after the other. So this comes last.
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
  v_app record;
  v_now timestamptz;
begin
  if cardinality(keys) = 0 then
    return;
  end if;
  insert into pgledger.apps (app_id)
  values (finalize_invoices.app_id)
  on conflict on constraint apps_app_id_pk do nothing;
  update pgledger.apps
  set invoice_number = apps.invoice_number + cardinality(keys)
  where apps.app_id = finalize_invoices.app_id
  returning apps.invoice_number - cardinality(keys) as number, apps.payment_terms
  into v_app;

  v_now := pgledger.clock();
  update pgledger.invoices
  set
    status = case when invoices.amount_due = 0 then 'paid' else 'pending' end,
    number = v_app.number + taken.place,
    finalized_at = v_now,
    due_at = coalesce(
      finalize_invoices.due_at, v_now + v_app.payment_terms * interval '24 hours'
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
  'Makes drafts of an app final: numbers, due dates, and what becomes of credits.';

revoke all on function pgledger.finalize_invoices from public;
