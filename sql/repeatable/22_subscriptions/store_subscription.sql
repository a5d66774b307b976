/*
Writes a subscription as it is given over its row, which is locked, and returns what applications
see. Whoever brings one back to life has to expect a violation of
the unique index of live subscriptions.
*/
create or replace function pgledger.store_subscription(subscription pgledger.subscriptions)
returns ledger_subscription
language plpgsql
volatile
parallel unsafe
as $$
begin
  perform pgledger.write_subscription(subscription);
  return pgledger.subscription_of(subscription.key);
end;
$$;

comment on function pgledger.store_subscription is
  'Writes a changed subscription over its locked row, and returns what applications see.';

revoke all on function pgledger.store_subscription from public;
