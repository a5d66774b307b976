/*
Does what the clock asks for in an app: writes down trials that are over, periods that have begun
and cancellations that have come, draws up the invoices that are due with that, and marks those that
were not paid in time. What is due the longest comes first. Each subscription that is taken is moved
on to now, however many periods it is behind.

Any number of workers can call it at once: locks with FOR NO KEY UPDATE SKIP LOCKED what it takes,
and leaves to the next call what somebody else holds. Invoices become final at the end of the call,
so that the app's numbers are locked only from there to the end of the transaction. Fewer
subscriptions than asked for do not mean that nothing is left; no row does, unless somebody else
holds the rest.

One subscription that fails does not keep others from being billed: if one does, the call begins
again, each subscription by itself, and what fails is put off and reported.
Errors: NullArgument, InvalidScope, InvalidArgument.
*/
create or replace function ledger_advance(
  app_id text,
  max_subscriptions integer default 1000,
  invoices text default 'final'
)
returns setof ledger_subscription_move
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
begin
  perform pgledger.check_app(app_id);
  if max_subscriptions is null then
    perform pgledger.fail('NullArgument', array['max_subscriptions']);
  elsif max_subscriptions not between 1 and 10000 then
    perform pgledger.fail(
      'InvalidArgument',
      array['max_subscriptions', max_subscriptions::text, 'it is not between 1 and 10000']
    );
  end if;
  perform pgledger.check_choice('invoices', invoices, array['none', 'draft', 'final']);

  begin
    v_done := pgledger.advance_due_subscriptions(app_id, max_subscriptions, invoices, v_now, false);
  exception
    when others then
      if not pgledger.may_concern_one_subscription(sqlstate) then
        raise;
      end if;
      v_done := pgledger.advance_due_subscriptions(app_id, max_subscriptions, invoices, v_now, true);
  end;
  if invoices = 'final' then
    perform pgledger.finalize_invoices(app_id, v_done.invoice_keys);
  end if;
  if invoices <> 'none' then
    v_past_due := pgledger.mark_past_due(app_id, max_subscriptions, v_now);
  end if;

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

comment on function ledger_advance is
$$Moves what the clock has made due.

Ends of trials and periods, cancellations, the invoices that are due with
these, and invoices that were not paid in time. Any number of workers may call
it at once, each in a transaction of its own: no two move the same
subscription. Call it until it returns an empty list.

[[was: Does what the clock asks for in an app, and returns one row for each
thing done, those of a subscription in order: trial_ended, period_started,
canceled; then invoice_drafted, invoice_finalized, invoice_past_due; failed,
with the error, for a subscription that is tried again in an hour; and
nothing_due, for the last one, where very many had only to be looked at. Any
number of sessions can call it at once; call it, each time in a transaction of
its own, until it returns no row.]]

app_id: App.
max_subscriptions: How many to move at most, 1 to 10,000. [[was: how many to
  take at most, 1 to 10000.]]
invoices: final draws up what is due and makes it final; draft leaves that to
  ledger_finalize_invoice; none moves subscriptions only. [[was: final draws
  up those that are due and makes them final; draft leaves them to be looked
  at and made final by ledger_finalize_invoice; none moves subscriptions only,
  and marks nothing as past due.]]

Returns: What was done, step by step; empty when nothing is due that nobody
  else is moving.

Errors: NullArgument, InvalidScope, InvalidArgument (max_subscriptions is out
  of range, or there is no such invoices).$$;

revoke all on function ledger_advance from public;
grant execute on function ledger_advance to pgledger_poster;
