/*
Ends a tenant's live subscription whose cancellation is due but not written yet, so that another one
can become live. The subscription with the given id, if any, is moved to now as well.

Locks both FOR NO KEY UPDATE, ascending by id.
*/
create or replace function pgledger.end_overdue_subscription(
  app_id text,
  tenant_id text,
  id text default null
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_key bigint;
begin
  for v_key in
    select subscriptions.key
    from pgledger.subscriptions
    where subscriptions.app_id = end_overdue_subscription.app_id
      and subscriptions.tenant_id = end_overdue_subscription.tenant_id
      and (
        subscriptions.id = end_overdue_subscription.id
        or (
          not subscriptions.add_on
          and subscriptions.status in ('trialing', 'active')
          and subscriptions.cancel_at <= v_now
        )
      )
    order by subscriptions.id
    for no key update
  loop
    perform pgledger.advance_subscription(
      (select subscriptions from pgledger.subscriptions where subscriptions.key = v_key), v_now
    );
  end loop;
end;
$$;

comment on function pgledger.end_overdue_subscription is
  'Ends a tenant''s live subscription whose cancellation is due, so that another can be live.';

revoke all on function pgledger.end_overdue_subscription from public;
