/*
Does what the clock asks for in an app: writes down trials that are over, periods that have begun
and cancellations that have come, draws up the invoices that are due with that, and marks those that
were not paid in time. What is due the longest comes first. Each subscription that is taken is moved
on to now, however many periods it is behind.

Any number of workers can call it at once: locks with FOR NO KEY UPDATE SKIP LOCKED what it takes,
and leaves to the next call what somebody else holds. Invoices become final at the end of the call,
so that the app's numbers are locked only from there to the end of the transaction. Fewer
subscriptions than asked for do not mean that nothing is left; no row does, unless somebody else
holds the rest: so subscriptions for which nothing was to be done do not count, but for one row
after ten times as many as asked for.
Errors: NullArgument, InvalidScope, InvalidArgument.
*/
create or replace function ledger_advance(
  app_id text,
  max_subscriptions integer default 1000,
  invoices text default 'final'
)
returns table (
  tenant_id text,
  subscription_id text,
  change text,
  occurred_at timestamptz,
  invoice_id text
)
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_due record;
  v_found boolean;
  v_rows bigint;
  v_all_rows bigint := 0;
  v_busy bigint[] := '{}';
  v_moved pgledger.subscriptions;
  v_new bigint[];
  v_keys bigint[] := '{}';
  v_past_due bigint[] := '{}';
  v_looked_at integer := 0;
begin
  perform pgledger.check_app(app_id);
  if max_subscriptions is null then
    perform pgledger.fail('LG003', array['max_subscriptions']);
  elsif max_subscriptions not between 1 and 10000 then
    perform pgledger.fail(
      'LG101',
      array['max_subscriptions', max_subscriptions::text, 'it is not between 1 and 10000']
    );
  end if;
  perform pgledger.check_choice('invoices', invoices, array['none', 'draft', 'final']);

  loop
    v_found := false;
    for v_due in
      select subscriptions.key, subscriptions.version
      from pgledger.subscriptions
      where subscriptions.app_id = ledger_advance.app_id
        and subscriptions.advance_at <= v_now
        and (invoices <> 'none' or subscriptions.due_at <= v_now)
        and subscriptions.key <> all(v_busy)
      order by subscriptions.advance_at
      limit max_subscriptions
      for no key update skip locked
    loop
      v_found := true;
      v_looked_at := v_looked_at + 1;
      v_moved := pgledger.advance_subscription(
        (select subscriptions from pgledger.subscriptions where subscriptions.key = v_due.key),
        v_now,
        to_store => invoices = 'none'
      );
      if invoices <> 'none' then
        v_new := pgledger.invoice_subscription(v_moved, invoices = 'final');
        v_keys := v_keys || v_new;
        if v_new is null then
          v_busy := v_busy || v_due.key;
        end if;
      end if;
      return query
      select
        change.tenant_id, change.subscription_id, change.change, change.occurred_at, null
      from pgledger.changes_since(v_due.key, v_due.version) as change;
      get diagnostics v_rows = row_count;
      v_all_rows := v_all_rows + v_rows;
    end loop;
    exit when not v_found or v_all_rows > 0 or cardinality(v_keys) > 0;
    if v_looked_at >= 10 * max_subscriptions then
      return query
      select v_moved.tenant_id, v_moved.id, 'nothing_due', v_now, null::text;
      exit;
    end if;
  end loop;

  if invoices = 'final' then
    perform pgledger.finalize_invoices(app_id, v_keys);
  end if;
  if invoices <> 'none' then
    v_past_due := pgledger.mark_past_due(app_id, max_subscriptions, v_now);
  end if;
  return query
  select moved.tenant_id, moved.subscription_id, moved.change, moved.occurred_at, moved.invoice_id
  from pgledger.moved_invoices(v_keys, v_past_due) as moved;
end;
$$;

comment on function ledger_advance is
  'Does what the clock asks for in an app, and returns one row for each thing done, those of a '
  'subscription in order: trial_ended, period_started, canceled, invoice_drafted, '
  'invoice_finalized, invoice_past_due; and nothing_due, for the last one, where very many had '
  'only to be looked at. Any number of sessions can call it at once; call it, each '
  'time in a transaction of its own, until it returns no row. max_subscriptions: how many to take '
  'at most, 1 to 10000. invoices: final draws up those that are due and makes them final; draft '
  'leaves them to be looked at and made final by ledger_finalize_invoice; none moves subscriptions '
  'only, and marks nothing as past due. Errors: NullArgument, InvalidScope, InvalidArgument.';

revoke all on function ledger_advance from public;
grant execute on function ledger_advance to pgledger_poster;
