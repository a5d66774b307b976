/*
The key of the subscription that an earlier call with that id has created, or null if none has. The
request is compared with what was created, as far as that is still known: anchor, trial and zone
until a change moved them, metadata until something was updated. What the request leaves to a
default is not compared, because defaults change: with the clock, or with the plan's trial.

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
  v_given jsonb;
  v_recorded jsonb;
  v_ok boolean;
begin
  -- Asked for nothing, the query would be planned anew for each call.
  if request.id is null then
    return null;
  end if;
  select
    subscriptions.key,
    jsonb_build_object(
      'app_id', request.app_id,
      'tenant_id', request.tenant_id,
      'time_zone', case
        when later.changes @> array['time_zone_changed'] then subscriptions.time_zone
        else request.time_zone
      end,
      'plan_id', repeated_subscription.plan_id,
      'quantity', request.quantity,
      'started_at', coalesce(request.started_at, subscriptions.started_at),
      'trial_end', case
        when repeated_subscription.trial_days is null
          or later.changes && array['plan_changed', 'trial_changed', 'time_zone_changed']
          then subscriptions.trial_end
        else pgledger.trial_end(
          subscriptions.started_at, subscriptions.time_zone, repeated_subscription.trial_days
        )
      end,
      'anchor_at', case
        when later.changes && array['plan_changed', 'trial_changed', 'time_zone_changed']
          then subscriptions.anchor_at
        else coalesce(request.anchor_at, subscriptions.anchor_at)
      end,
      'metadata', case
        when later.changes @> array['updated'] then subscriptions.metadata
        else request.metadata
      end
    ),
    jsonb_build_object(
      'app_id', subscriptions.app_id,
      'tenant_id', subscriptions.tenant_id,
      'time_zone', subscriptions.time_zone,
      'plan_id', plans.id,
      'quantity', created.quantity,
      'started_at', subscriptions.started_at,
      'trial_end', subscriptions.trial_end,
      'anchor_at', subscriptions.anchor_at,
      'metadata', subscriptions.metadata
    )
  into v_key, v_given, v_recorded
  from pgledger.subscriptions
  inner join pgledger.subscription_changes as created
    on subscriptions.key = created.subscription_key and created.version = 1
  inner join pgledger.plans on created.plan_key = plans.key
  cross join lateral (
    select array_agg(change.change::text) as changes
    from pgledger.subscription_changes as change
    where change.subscription_key = subscriptions.key
  ) as later
  where subscriptions.id = request.id;

  v_ok := pgledger.check_repeated(request.id, v_given, v_recorded);
  return v_key;
end;
$$;

comment on function pgledger.repeated_subscription is
  'Key of the subscription that has that id already, or null; raises if another request '
  'created it.';

revoke all on function pgledger.repeated_subscription from public;
