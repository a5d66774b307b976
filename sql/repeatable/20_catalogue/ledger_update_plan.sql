/*
An archived plan can be changed, because subscriptions keep it.

Locks the plan, then, if its features change, those FOR SHARE, ascending by id. Whoever subscribes
to the plan holds it FOR SHARE.
Checks, in this order: app_id, id, existence, name, description, trial_days, metadata, features,
pricing, subscriptions.
*/
create or replace function @extschema@.ledger_update_plan(
  app_id text,
  id text,
  name text default null,
  features jsonb default null,
  pricing jsonb default null,
  description text default null,
  trial_days integer default null,
  anchor_at_trial_end boolean default null,
  metadata jsonb default null
)
returns @extschema@.ledger_plan
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.plans := pgledger.lock_plan(app_id, id);
  v_new pgledger.plans := v_old;
  v_ok boolean;
begin
  v_new.name := coalesce(name, v_old.name);
  v_new.features := coalesce(features, v_old.features);
  v_new.pricing := coalesce(pricing, v_old.pricing);
  v_new.description := coalesce(description, v_old.description);
  v_new.trial_days := coalesce(trial_days, v_old.trial_days);
  v_new.anchor_at_trial_end := coalesce(anchor_at_trial_end, v_old.anchor_at_trial_end);
  v_new.metadata := coalesce(metadata, v_old.metadata);
  v_ok := pgledger.check_plan(v_new);

  if v_new is distinct from v_old then
    perform pgledger.rewrite_plan(v_old, v_new);
  end if;

  return pgledger.plan_with_key(v_old.key);
end;
$$;

comment on function @extschema@.ledger_update_plan is
$$Changes a plan, at once for all its subscriptions.

What is null stays as it is; what is given replaces what there was, as a
whole. Currency, slug and whether it is an add-on never change, nor does the
billing interval while subscriptions have the plan. To change it for new
customers only, create another plan and archive this one.

app_id: App that it belongs to.
id: Id of the plan.
name: Name for people, 1 to 255 characters, or null.
features: JSON array of what it gives, as for ledger_create_plan, or null.
pricing: JSON object of what it costs, as for ledger_create_plan, or null.
description: Text for people, at most 10,000 characters, or null.
trial_days: Days of trial that a new subscription gets, 0 to 3650, or null.
anchor_at_trial_end: Whether billing periods of new subscriptions count from
  the end of the trial, or null.
metadata: JSON object of the app's own, at most 64 KiB, or null.

Returns: The plan; with the same version as before if nothing changed.

Errors: NullArgument, InvalidScope, InvalidId, PlanNotFound (the app has no
  such plan), InvalidArgument (the name, description or days of trial are not
  valid), InvalidMetadata, InvalidPlan (features or pricing are not valid; the
  message names the path), FeatureNotFound (a feature is not in the
  catalogue), Archived (a feature that is new to the plan is archived), InUse
  (the billing interval would change while there are subscriptions).$$;

revoke all on function @extschema@.ledger_update_plan from public;
grant execute on function @extschema@.ledger_update_plan to pgledger_poster;
