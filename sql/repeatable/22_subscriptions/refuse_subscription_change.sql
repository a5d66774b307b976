/*
Raises that a subscription cannot become what was asked for, because of its status. The message puts
the target after "cannot become".

Errors: InvalidState.
*/
create or replace function pgledger.refuse_subscription_change(
  subscription pgledger.subscriptions,
  target text
)
returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  return pgledger.fail(
    'InvalidState', array['subscription', subscription.id, subscription.status, target]
  );
end;
$$;

comment on function pgledger.refuse_subscription_change is
  'Raises InvalidState: a subscription of its status cannot become what was asked for.';

revoke all on function pgledger.refuse_subscription_change from public;
