/*
Writes down what the clock has decided about an app's subscriptions: trials that are over, periods
that have begun, cancellations that have come. Those that are due the longest come first. Each that
is taken is moved on to now, however many periods it is behind.

Any number of workers can call it at once: locks with FOR NO KEY UPDATE SKIP LOCKED what it takes,
and leaves to the next call what somebody else holds. Fewer subscriptions than asked for do not
mean that nothing is left; no row does, unless somebody else holds the rest.
Errors: NullArgument, InvalidScope, InvalidArgument.
*/
create or replace function ledger_advance(
  app_id text,
  max_subscriptions integer default 1000
)
returns table (tenant_id text, subscription_id text, change text, occurred_at timestamptz)
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_due record;
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

  for v_due in
    select subscriptions.key, subscriptions.version
    from pgledger.subscriptions
    where subscriptions.app_id = ledger_advance.app_id and subscriptions.due_at <= v_now
    order by subscriptions.due_at
    limit max_subscriptions
    for no key update skip locked
  loop
    perform pgledger.advance_subscription(
      (select subscriptions from pgledger.subscriptions where subscriptions.key = v_due.key), v_now
    );
    return query
    select
      subscription_changes.tenant_id, subscriptions.id, subscription_changes.change,
      subscription_changes.occurred_at
    from pgledger.subscription_changes
    inner join pgledger.subscriptions
      on subscription_changes.subscription_key = subscriptions.key
    where subscription_changes.subscription_key = v_due.key
      and subscription_changes.version > v_due.version
    order by subscription_changes.version;
  end loop;
end;
$$;

comment on function ledger_advance is
  'Writes down which trials are over, which periods have begun and which cancellations have come '
  'by now in an app, and returns one row for each, those of a subscription in order. Any number of '
  'sessions can call it at once; call it until it returns no row. max_subscriptions: how many to '
  'take at most, 1 to 10000. Errors: NullArgument, InvalidScope, InvalidArgument.';

revoke all on function ledger_advance from public;
grant execute on function ledger_advance to pgledger_poster;
