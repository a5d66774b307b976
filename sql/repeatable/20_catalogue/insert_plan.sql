/*
Writes a new plan, its features and its first version, and returns the plan's key. If the same call,
made at the same time, has written it meanwhile, that plan's key is returned.

Locks, FOR SHARE: a currency of the app's own, then the features, ascending by id.

Errors: UnknownCurrency, InvalidPlan, FeatureNotFound, Archived, IdempotencyConflict, AlreadyExists.
*/
create or replace function pgledger.insert_plan(plan pgledger.plans)
returns bigint
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_features pgledger.plan_features[];
  v_period record;
  v_key bigint;
  v_constraint text;
  v_ok boolean;
begin
  -- So its exponent cannot change before this plan is written.
  perform 1
  from pgledger.currencies
  where currencies.app_id = plan.app_id and currencies.code = plan.currency
  for share;

  if pgledger.currency_exponent(plan.app_id, plan.currency) is null then
    v_ok := pgledger.fail(
      'UnknownCurrency',
      array[quote_literal(pgledger.abridged(plan.currency)), pgledger.in_app(plan.app_id)]
    );
  end if;

  v_features := pgledger.read_plan_features(plan.features, plan.app_id, plan.tenant_id);
  v_period := pgledger.read_pricing(plan.pricing, v_features);

  loop
    begin
      insert into pgledger.plans (
        id, app_id, tenant_id, slug, name, description, status, currency, features, pricing,
        billing_interval, interval_count, trial_days, anchor_at_trial_end, add_on, version,
        metadata, created_at, updated_at, priority
      )
      values (
        plan.id, plan.app_id, plan.tenant_id, plan.slug, plan.name, plan.description, plan.status,
        plan.currency, plan.features, plan.pricing, v_period.billing_interval,
        v_period.interval_count, plan.trial_days, plan.anchor_at_trial_end, plan.add_on,
        plan.version, plan.metadata, plan.created_at, plan.updated_at, plan.priority
      )
      on conflict on constraint plans_id_key do nothing
      returning plans.key into v_key;
    exception
      when unique_violation then
        get stacked diagnostics v_constraint = constraint_name;
        if v_constraint is distinct from 'plans_app_id_tenant_id_slug_active_idx' then
          raise;
        end if;
    end;

    if v_key is not null then
      perform pgledger.begin_plan(v_key, plan, v_features);
      return v_key;
    end if;

    v_key := pgledger.repeated_plan(plan);
    if v_key is not null then
      return v_key;
    elsif exists (
      select
      from pgledger.plans
      where plans.app_id = plan.app_id
        and plans.tenant_id = plan.tenant_id
        and plans.slug = plan.slug
        and plans.status = 'active'
    ) then
      v_ok := pgledger.fail(
        'AlreadyExists',
        array[
          'plan slug', quote_literal(plan.slug), pgledger.in_catalogue(plan.app_id, plan.tenant_id)
        ]
      );
    end if;
    v_ok := pgledger.look_again();
  end loop;
end;
$$;

comment on function pgledger.insert_plan is
  'Writes a new plan and its features; raises what is wrong with its currency or JSON.';

revoke all on function pgledger.insert_plan from public;
