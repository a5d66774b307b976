/*
Starts what a tenant has scheduled and is due by now, so that no other one becomes live in its
place. What cannot start stays scheduled.

Locks these FOR NO KEY UPDATE, the earliest first.
*/
create or replace function pgledger.start_due_subscription(app_id text, tenant_id text)
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
    where subscriptions.app_id = start_due_subscription.app_id
      and subscriptions.tenant_id = start_due_subscription.tenant_id
      and not subscriptions.add_on
      and subscriptions.status = 'scheduled'
      and subscriptions.started_at <= v_now
    order by subscriptions.started_at, subscriptions.key
    for no key update
  loop
    perform pgledger.advance_subscription(
      (select subscriptions from pgledger.subscriptions where subscriptions.key = v_key), v_now
    );
  end loop;
end;
$$;

comment on function pgledger.start_due_subscription is
  'Starts what a tenant has scheduled and is due, so that no other one becomes live in its place.';

revoke all on function pgledger.start_due_subscription from public;
