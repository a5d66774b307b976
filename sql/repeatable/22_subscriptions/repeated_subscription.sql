/*
The key of the subscription that an earlier call with that id has created, or null if none has. The
request is compared with what was created, as far as that is still known: an anchor until the plan
was changed, metadata until something was updated. What the request leaves to a default is not
compared, because defaults change: with the clock, or with the plan's trial.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.repeated_subscription(
  request pgledger.subscriptions,
  plan_id text,
  trial_days integer
)
returns bigint
language plpgsql
stable
parallel safe
as $$
declare
  v_key bigint;
  v_is_same boolean;
  v_ok boolean;
begin
  select
    subscriptions.key,
    (subscriptions.app_id, subscriptions.tenant_id, subscriptions.time_zone)
    = (request.app_id, request.tenant_id, request.time_zone)
    and (plans.id, created.quantity) = (repeated_subscription.plan_id, request.quantity)
    and subscriptions.started_at = coalesce(request.started_at, subscriptions.started_at)
    and (
      repeated_subscription.trial_days is null
      or subscriptions.trial_end is not distinct from pgledger.trial_end(
        subscriptions.started_at, subscriptions.time_zone, repeated_subscription.trial_days
      )
    )
    and (
      subscriptions.anchor_at = coalesce(request.anchor_at, subscriptions.anchor_at)
      or exists (
        select
        from pgledger.subscription_changes as later
        where later.subscription_key = subscriptions.key and later.change = 'plan_changed'
      )
    )
    and (
      subscriptions.metadata is not distinct from request.metadata
      or exists (
        select
        from pgledger.subscription_changes as later
        where later.subscription_key = subscriptions.key and later.change = 'updated'
      )
    )
  into v_key, v_is_same
  from pgledger.subscriptions
  inner join pgledger.subscription_changes as created
    on subscriptions.key = created.subscription_key and created.version = 1
  inner join pgledger.plans on created.plan_key = plans.key
  where subscriptions.id = request.id;

  if not v_is_same then
    v_ok := pgledger.fail('IdempotencyConflict', array[request.id]);
  end if;
  return v_key;
end;
$$;

comment on function pgledger.repeated_subscription is
  'Key of the subscription that has that id already, or null; raises if another request '
  'created it.';

revoke all on function pgledger.repeated_subscription from public;
