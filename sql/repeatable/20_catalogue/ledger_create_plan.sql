/*
A repeated call is refused if anything that it asks for differs. Once the plan has been updated,
only what an update cannot change is compared.

Locks, FOR SHARE: a currency of the app's own, then the features, ascending by id.
Checks, in this order: app_id, tenant_id, slug, name, currency, features and pricing for null,
description, trial_days, anchor_at_trial_end, add_on, priority, metadata, id, repeat, whether the
currency is known, features, pricing, whether the slug is taken.
*/
create or replace function @extschema@.ledger_create_plan(
  app_id text,
  slug text,
  name text,
  currency text,
  features jsonb default '[]',
  pricing jsonb default '{}',
  description text default null,
  trial_days integer default 0,
  anchor_at_trial_end boolean default true,
  add_on boolean default false,
  metadata jsonb default null,
  id text default null,
  tenant_id text default '',
  priority integer default 0
)
returns @extschema@.ledger_plan
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_new pgledger.plans;
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id, tenant_id);
  v_ok := pgledger.check_text('slug', slug, 128);

  if currency is null then
    v_ok := pgledger.fail('NullArgument', array['currency']);
  end if;

  v_new.id := coalesce(id, 'plan_' || pgledger.new_ulid(v_now));
  v_new.app_id := app_id;
  v_new.tenant_id := tenant_id;
  v_new.slug := slug;
  v_new.name := name;
  v_new.description := description;
  v_new.status := 'active';
  v_new.currency := currency;
  v_new.features := features;
  v_new.pricing := pricing;
  v_new.trial_days := trial_days;
  v_new.anchor_at_trial_end := anchor_at_trial_end;
  v_new.add_on := add_on;
  v_new.priority := priority;
  v_new.version := 1;
  v_new.metadata := metadata;
  v_new.created_at := v_now;
  v_new.updated_at := v_now;
  v_ok := pgledger.check_plan(v_new);
  v_ok := pgledger.check_id('id', v_new.id, 'plan');

  v_new.key := pgledger.repeated_plan(v_new);
  if v_new.key is null then
    v_new.key := pgledger.insert_plan(v_new);
  end if;

  return pgledger.plan_with_key(v_new.key);
end;
$$;

comment on function @extschema@.ledger_create_plan is
$$Creates a plan, for the whole app or for one tenant of it.

Everything in features and pricing is checked now, so a plan that exists can
always be invoiced. Numbers in them are JSON numbers, or texts such as
"49.00", from 0, below 1e30, with at most 18 decimal places.

app_id: App that it belongs to.
slug: Name in addresses and code, unique in the app (and tenant) among plans
  that are not archived: 1 to 128 visible characters.
name: Name for people, 1 to 255 characters.
currency: Currency of every amount: a code of ISO 4217, or one that the app
  has defined.
features: JSON array of what it gives: an object for each feature, for example
  [{"key": "api_calls", "limit": "10000", "period": "month",
  "soft_limit": true}]. A limit of -1 is unlimited.
pricing: JSON object of what it costs, a base fee and prices of features, for
  example {"base": {"amount": "49.00", "interval": "month"}, "prices": []}.
description: Text for people, at most 10,000 characters, or null.
trial_days: Days of trial that a new subscription gets, 0 to 3650.
anchor_at_trial_end: Whether billing periods count from the end of the trial,
  rather than from its start.
add_on: Whether a tenant may have it beside another active subscription.
metadata: JSON object of the app's own, at most 64 KiB, or null.
id: Id that the caller chooses, plan_ and a ULID, so that the call can be
  repeated: it then returns the plan as it is now; null for a new one.
tenant_id: The one tenant that it is for; the empty text for all tenants.
priority: Of several subscriptions with a price for a feature, that of the
  lowest one bills its usage, and of these the oldest.

Returns: The plan.

Errors: NullArgument, InvalidScope, InvalidArgument (the slug, name,
  description or days of trial are not valid), InvalidMetadata, InvalidId,
  IdempotencyConflict (the id is taken by a different plan), UnknownCurrency
  (the currency is neither of ISO 4217 nor the app's own), InvalidPlan
  (features or pricing are not valid; the message names the path),
  FeatureNotFound (a feature is not in the catalogue), Archived (a feature is
  archived), AlreadyExists (the slug is taken).$$;

revoke all on function @extschema@.ledger_create_plan from public;
grant execute on function @extschema@.ledger_create_plan to pgledger_poster;
