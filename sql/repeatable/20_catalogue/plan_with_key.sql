/*
The plan with that internal key as applications see it, or null: with the pricing that is in force
now. A clock that was put back does not take back what was written last.
*/
create or replace function pgledger.plan_with_key(key bigint)
returns @extschema@.ledger_plan
language sql
stable
parallel safe
as $$
  select
    plans.id, plans.app_id, plans.tenant_id, plans.slug, plans.name, plans.description,
    plans.status, plans.currency, plans.features, terms.pricing, plans.billing_interval,
    plans.interval_count, plans.trial_days, plans.anchor_at_trial_end, plans.add_on,
    plans.version, plans.metadata, plans.created_at, plans.updated_at,
    pgledger.plan_priority(plans.key, present.at)
  from pgledger.plans
  cross join lateral (
    select greatest(pgledger.clock(), plans.updated_at) as at
  ) as present
  cross join lateral pgledger.plan_terms(plans.key, present.at) as terms
  where plans.key = plan_with_key.key
$$;

comment on function pgledger.plan_with_key is
  'The plan with that internal key as applications see it, or null.';

revoke all on function pgledger.plan_with_key from public;
