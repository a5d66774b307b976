/*
An archived plan can be changed, because subscriptions keep it.

Locks the plan, then, if its features change, those FOR SHARE, ascending by id. Whoever subscribes
to the plan holds it FOR SHARE.
Checks, in this order: app_id, id, existence, clear, name, description, trial_days, metadata,
status, effective_at, features, pricing, subscriptions, whether the slug is taken.
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
  metadata jsonb default null,
  effective_at timestamptz default null,
  status text default null,
  clear text[] default null,
  priority integer default null
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
  v_new pgledger.plans;
  v_version pgledger.plan_versions;
  v_ok boolean := pgledger.check_cleared(
    clear, jsonb_build_object('description', description, 'metadata', metadata)
  );
begin
  v_new := jsonb_populate_record(v_old, pgledger.cleared(clear));
  v_new.name := coalesce(name, v_old.name);
  v_new.features := coalesce(features, v_old.features);
  v_new.description := coalesce(description, v_new.description);
  v_new.trial_days := coalesce(trial_days, v_old.trial_days);
  v_new.anchor_at_trial_end := coalesce(anchor_at_trial_end, v_old.anchor_at_trial_end);
  v_new.metadata := coalesce(metadata, v_new.metadata);
  v_new.status := coalesce(status, v_old.status);
  v_ok := pgledger.check_plan(v_new);
  v_ok := pgledger.check_choice('status', v_new.status, array['active', 'archived']);
  v_ok := pgledger.check_effective_at(effective_at, features, pricing, priority);
  v_version := pgledger.changed_plan_terms(v_old, features, pricing, priority, effective_at);

  if v_new is distinct from v_old
    or num_nonnulls(v_version.features, v_version.pricing, v_version.priority) > 0 then
    perform pgledger.rewrite_plan(v_old, v_new, v_version);
  end if;

  return pgledger.plan_with_key(v_old.key);
end;
$$;

comment on function @extschema@.ledger_update_plan is
$$Changes a plan, for those who have it too.

What is null stays as it is; what is given replaces what there was, as a
whole. Currency, slug and whether it is an add-on never change, nor does the
billing interval once subscriptions have had the plan. To change it for new
customers only, create another plan and archive this one.

Prices, allowances (the soft limits of features with a price), how usage is
counted for them, and the priority hold from effective_at on: a period of a
subscription uses, whole, those that hold at its start, or those that hold
when the plan is entered, if that is later. If effective_at lies in the past,
periods that have begun since then use them too, except for what a final
invoice has billed: that keeps its price. Whatever was given for a later time
still begins then. ledger_list_plan_versions shows what holds when.

Limits hold at once, and so does whatever else the plan gives.

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
effective_at: Since when features, pricing and priority hold, in the past or
  in the future; null for now.
status: Whether it can be taken; an archived plan becomes active again unless
  another has taken its slug; one of: active, archived, or null.
clear: Array of the names of what is taken away: description, metadata; null
  for nothing.
priority: Of several subscriptions with a price for a feature, that of the
  lowest one bills its usage, or null.

Returns: The plan; with the same version as before if nothing changed.

Errors: NullArgument, InvalidScope, InvalidId, PlanNotFound (the app has no
  such plan), InvalidArgument (the name, description, days of trial or
  status are not valid, clear has another name or one that is given, or
  effective_at is given without features, pricing and priority, or in the
  future for another interval), InvalidMetadata, InvalidTime (effective_at
  is outside the years 1 to 9999), InvalidPlan (features or pricing are not
  valid, or do not go together at some time from then on; the message names
  the path), FeatureNotFound (a feature is not in the catalogue), Archived
  (a feature that is new to the plan is archived), InUse (the billing
  interval would change, and subscriptions have or have had the plan),
  AlreadyExists (it would become active, and its slug is taken).$$;

revoke all on function @extschema@.ledger_update_plan from public;
grant execute on function @extschema@.ledger_update_plan to pgledger_poster;
