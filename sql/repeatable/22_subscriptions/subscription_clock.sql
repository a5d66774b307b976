/*
The time that counts for a subscription: never before what was last written about it, and never
before its current period, even if the clock was put back. Otherwise a day could be billed twice.
What has not begun is in no period yet.
*/
create or replace function pgledger.subscription_clock(subscription pgledger.subscriptions)
returns timestamptz
language sql
volatile
parallel unsafe
as $$
  select greatest(
    pgledger.clock(),
    subscription.updated_at,
    case when subscription.status <> 'scheduled' then subscription.current_period_start end
  )
$$;

comment on function pgledger.subscription_clock is
  'The time that counts for a subscription: never before what was last written about it.';

revoke all on function pgledger.subscription_clock from public;
