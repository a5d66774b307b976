/*
Workers run side by side: each locks what it takes with FOR NO KEY UPDATE SKIP LOCKED, and leaves
what another one holds to the next call. Each subscription that is taken is moved on to now, or by
as many changes as pgledger.moves_at_once says. Invoices get their numbers at the end of the call,
so that the app's row is locked only from there to the end of the transaction.

A subscription that fails does not keep others from being billed: the call then begins again with
each subscription in a subtransaction of its own, and postpones and reports those that fail.
Checks, in this order: app_id, max_subscriptions, invoices, max_span.
Errors: NullArgument, InvalidScope, InvalidArgument, AdvanceTooFar.
*/
create or replace function @extschema@.ledger_advance(
  app_id text,
  max_subscriptions integer default 1000,
  invoices text default 'final',
  max_span interval default '32 days'
)
returns setof @extschema@.ledger_subscription_move
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_done record;
  v_past_due bigint[] := '{}';
  v_ok boolean;
begin
  v_ok := pgledger.check_app(app_id);
  if max_subscriptions is null then
    v_ok := pgledger.fail('NullArgument', array['max_subscriptions']);
  elsif max_subscriptions not between 1 and 10000 then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array['max_subscriptions', max_subscriptions::text, 'it is not between 1 and 10000']
    );
  end if;
  v_ok := pgledger.check_choice('invoices', invoices, array['none', 'draft', 'final']);
  v_ok := pgledger.check_advance_span(app_id, v_now, max_span);

  begin
    v_done := pgledger.advance_due_subscriptions(app_id, max_subscriptions, invoices, v_now, false);
  exception
    when others then
      if not pgledger.may_concern_one_subscription(sqlstate) then
        raise;
      end if;
      v_done := pgledger.advance_due_subscriptions(
        app_id, max_subscriptions, invoices, v_now, true
      );
  end;
  if invoices = 'final' then
    perform pgledger.number_invoices(app_id, v_done.invoice_keys);
  end if;
  if invoices <> 'none' then
    v_past_due := pgledger.mark_past_due(app_id, max_subscriptions, v_now);
    perform pgledger.tell_of_invoices(app_id, 'invoice_past_due', v_past_due);
  end if;
  perform pgledger.note_advance(app_id, v_now);

  return query
  select change.tenant_id, change.subscription_id, change.change, change.occurred_at, null, null
  from unnest(v_done.subscription_keys, v_done.versions) with ordinality
    as taken (key, version, place)
  cross join lateral pgledger.changes_since(taken.key, taken.version) as change
  order by taken.place;
  return query
  select subscriptions.tenant_id, subscriptions.id, 'failed', v_now, null::text, failed.error
  from unnest(v_done.failed_keys, v_done.errors) with ordinality as failed (key, error, place)
  inner join pgledger.subscriptions on failed.key = subscriptions.key
  order by failed.place;
  return query
  select subscriptions.tenant_id, subscriptions.id, 'nothing_due', v_now, null::text, null::text
  from pgledger.subscriptions
  where subscriptions.key = v_done.last_looked_at;
  return query
  select
    moved.tenant_id, moved.subscription_id, moved.change, moved.occurred_at, moved.invoice_id, null
  from pgledger.moved_invoices(v_done.invoice_keys, v_past_due) as moved;
end;
$$;

comment on function @extschema@.ledger_advance is
$$Does what the clock has made due in an app.

It ends trials and periods, cancels subscriptions whose time has come, draws
up the invoices that are due with these, and marks invoices that were not paid
in time. What has been due the longest comes first.

Any number of workers may call it at once, each in a transaction of its own:
no two move the same subscription. Call it until it returns no row. Fewer
subscriptions than asked for do not mean that nothing is left: one that is
more than 100 steps behind moves on by 100 in a call, and the next call goes
on with it, after all others that are due.

A subscription gives one row for each step, in order: started, trial_ended,
period_started, canceled. Invoices follow: invoice_drafted, invoice_finalized,
invoice_past_due. A subscription that could not be moved gives failed, with
the error, and is tried again in an hour. nothing_due names the last one that
was looked at, where nothing came of it and there is more to look at.

app_id: App whose subscriptions and invoices they are.
max_subscriptions: How many subscriptions to move at most, 1 to 10,000.
invoices: What becomes of invoices: final draws up those that are due and
  makes them final; draft draws them up and leaves them to
  ledger_finalize_invoice; none moves subscriptions only, and marks nothing
  as past due. One of: none, draft, final.
max_span: How far the clock may be beyond what was seen of the app: beyond the
  last run, or before the first run beyond the newest subscription. So a clock
  that has jumped makes no invoice final. After a longer standstill give a
  longer span, once; null for any.

Returns: What was done, step by step; empty when nothing is due that nobody
  else is moving.

Errors: NullArgument, InvalidScope, InvalidArgument (max_subscriptions or
  max_span is out of range, or invoices is none of its values), AdvanceTooFar
  (the clock is more than max_span beyond what was seen).$$;

revoke all on function @extschema@.ledger_advance from public;
grant execute on function @extschema@.ledger_advance to pgledger_poster;
