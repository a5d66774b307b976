/*
Writes a plan that has changed, and its features if they have. The caller has locked its row.

Locks the features, if they change, FOR SHARE, ascending by id.

Errors: InvalidPlan, FeatureNotFound, Archived, InUse.
*/
create or replace function pgledger.rewrite_plan(
  previous pgledger.plans,
  plan pgledger.plans
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_features pgledger.plan_features[];
  v_period record;
  v_ok boolean;
begin
  if plan.features = previous.features then
    v_features := array(
      select plan_features
      from pgledger.plan_features
      where plan_features.plan_key = previous.key
    );
  else
    v_features := pgledger.read_plan_features(
      plan.features, previous.app_id, previous.tenant_id, previous.key
    );
    perform pgledger.write_plan_features(previous.key, v_features);
  end if;

  v_period := pgledger.read_pricing(plan.pricing, v_features);

  if (v_period.billing_interval, v_period.interval_count)
    <> (previous.billing_interval, previous.interval_count)
    and exists (
      select
      from pgledger.subscriptions
      where subscriptions.plan_key = previous.key
    ) then
    v_ok := pgledger.fail(
      'InUse',
      array[
        'plan',
        previous.id,
        'billed otherwise',
        format(
          'subscriptions have it, so its interval stays %s %s',
          previous.interval_count,
          previous.billing_interval
        )
      ]
    );
  end if;

  update pgledger.plans
  set
    name = plan.name,
    description = plan.description,
    features = plan.features,
    pricing = plan.pricing,
    billing_interval = v_period.billing_interval,
    interval_count = v_period.interval_count,
    trial_days = plan.trial_days,
    anchor_at_trial_end = plan.anchor_at_trial_end,
    version = plans.version + 1,
    metadata = plan.metadata,
    updated_at = pgledger.clock()
  where plans.key = previous.key;
end;
$$;

comment on function pgledger.rewrite_plan is
  'Writes a plan that has changed; raises what is wrong with its JSON, or InUse.';

revoke all on function pgledger.rewrite_plan from public;
