/*
A tenant's subscription, its row locked FOR NO KEY UPDATE. The caller reads the clock after that,
and then writes what has become due.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound.
*/
create or replace function pgledger.lock_subscription(
  app_id text,
  tenant_id text,
  id text
)
returns pgledger.subscriptions
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_id('id', id, 'sub');

  perform
  from pgledger.subscriptions
  where subscriptions.id = lock_subscription.id
    and subscriptions.app_id = lock_subscription.app_id
    and subscriptions.tenant_id = lock_subscription.tenant_id
  for no key update;
  if not found then
    v_ok := pgledger.fail(
      'SubscriptionNotFound', array[id, pgledger.in_catalogue(app_id, tenant_id)]
    );
  end if;

  return (
    select subscriptions
    from pgledger.subscriptions
    where subscriptions.id = lock_subscription.id
  );
end;
$$;

comment on function pgledger.lock_subscription is
  'A tenant''s subscription, locked to be changed; raises SubscriptionNotFound.';

revoke all on function pgledger.lock_subscription from public;
