/*
Writes a plan that has changed: its features if they have, since when it has other prices or
features if it has, and its row. The caller has locked the row.

Locks the features, if they change, FOR SHARE, ascending by id.

Errors: InvalidPlan, FeatureNotFound, Archived, InUse, InvalidArgument, AlreadyExists.
*/
create or replace function pgledger.rewrite_plan(
  previous pgledger.plans,
  plan pgledger.plans,
  plan_version pgledger.plan_versions
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_constraint text;
  v_features pgledger.plan_features[];
  v_period record := previous;
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
    delete from pgledger.plan_features
    where plan_features.plan_key = previous.key;
    perform pgledger.write_plan_features(previous.key, v_features);
  end if;

  if num_nonnulls(plan_version.features, plan_version.pricing, plan_version.priority) > 0 then
    perform pgledger.write_plan_version(plan_version, v_features);
    v_period := pgledger.read_plan_versions(previous.key, plan_version.effective_at);
    if (v_period.billing_interval, v_period.interval_count)
      <> (previous.billing_interval, previous.interval_count) then
      perform pgledger.begin_plan_anew(previous, plan_version);
    end if;
  end if;

  update pgledger.plans
  set
    name = plan.name,
    description = plan.description,
    status = plan.status,
    features = plan.features,
    pricing = (pgledger.plan_terms(previous.key, 'infinity')).pricing,
    priority = pgledger.plan_priority(previous.key, 'infinity'),
    billing_interval = v_period.billing_interval,
    interval_count = v_period.interval_count,
    trial_days = plan.trial_days,
    anchor_at_trial_end = plan.anchor_at_trial_end,
    version = plan_version.version,
    metadata = plan.metadata,
    updated_at = plan_version.created_at
  where plans.key = previous.key;
exception
  -- The slug of an archived plan can be another's meanwhile.
  when unique_violation then
    get stacked diagnostics v_constraint = constraint_name;
    if v_constraint is distinct from 'plans_app_id_tenant_id_slug_active_idx' then
      raise;
    end if;
    v_ok := pgledger.fail(
      'AlreadyExists',
      array[
        'plan slug',
        quote_literal(previous.slug),
        pgledger.in_catalogue(previous.app_id, previous.tenant_id)
      ],
      hint => 'Archive the other plan first.'
    );
end;
$$;

comment on function pgledger.rewrite_plan is
  'Writes a plan that has changed; raises what is wrong with its JSON, or InUse.';

revoke all on function pgledger.rewrite_plan from public;
