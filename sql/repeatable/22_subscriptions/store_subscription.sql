/*
Writes a subscription, as it is given, over its locked row, and returns it as applications see it. A
caller that makes one live again has to expect a violation of the unique index of live ones.
*/
create or replace function pgledger.store_subscription(subscription pgledger.subscriptions)
returns @extschema@.ledger_subscription
language plpgsql
volatile
parallel unsafe
as $$
begin
  perform pgledger.write_subscription(subscription);
  return pgledger.subscription_with_key(subscription.key);
end;
$$;

comment on function pgledger.store_subscription is
  'Writes a changed subscription over its locked row, and returns it as applications see it.';

revoke all on function pgledger.store_subscription from public;
