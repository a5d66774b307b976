/*
Creates a plan, for the whole app or, with a tenant_id, for that tenant alone.

With an id of the caller's choice the call can be repeated: the second call returns the plan as it
stands now if everything it asks for is the same, and is refused if anything differs. Once the plan
has been updated, only what an update cannot change is compared.

Locks, FOR SHARE: a currency of the app's own, then the features, ascending by id.

Checks, in this order: app_id, tenant_id, slug, name, currency, features and pricing for null,
description, trial_days, anchor_at_trial_end, add_on, metadata, id, repeat, whether the currency is
known, features, pricing, whether the slug is taken.
Errors: NullArgument, InvalidScope, InvalidArgument, InvalidMetadata, InvalidId,
IdempotencyConflict, UnknownCurrency, InvalidPlan, FeatureNotFound, Archived, AlreadyExists.
*/
create or replace function ledger_create_plan(
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
  tenant_id text default ''
)
returns ledger_plan
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_new pgledger.plans;
begin
  perform pgledger.check_catalogue_scope(app_id, tenant_id);
  perform pgledger.check_text('slug', slug, 128);

  if currency is null then
    perform pgledger.fail('NullArgument', array['currency']);
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
  v_new.version := 1;
  v_new.metadata := metadata;
  v_new.created_at := v_now;
  v_new.updated_at := v_now;
  perform pgledger.check_plan(v_new);
  perform pgledger.check_id('id', v_new.id, 'plan');

  v_new.key := pgledger.repeated_plan(v_new);
  if v_new.key is null then
    v_new.key := pgledger.insert_plan(v_new);
  end if;

  return pgledger.plan_of(v_new.key);
end;
$$;

comment on function ledger_create_plan is
$$Creates a plan.

[[was: Creates a plan and returns it.]]

app_id: App that it belongs to.
slug: Name in addresses and code, unique in the app (and tenant). [[was: its
  name in addresses and code, 1 to 128 visible characters.]]
name: Name for people. [[was: for people, 1 to 255 characters.]]
currency: Currency of every amount, of ISO 4217 or the app's own. [[was: code
  of ISO 4217, or one that the app has defined.]]
features: What it gives: a mapping for each feature, for example {"key":
  "api_calls", "limit": 10000, "period": "month", "soft_limit": true}. Limits
  are Decimal, int or str; -1 is unlimited. [[was: JSON array of features and
  limits.]]
pricing: What it costs: a base fee and prices, for example {"base": {"amount":
  Decimal("49.00"), "interval": "month"}, "prices": []}. Amounts are Decimal,
  int or str. [[was: JSON object of base fee and prices.]]
description: Text for people. [[was: at most 10000 characters.]], or null.
trial_days: Days of trial that a new subscription gets. [[was: 0 to 3650.]]
anchor_at_trial_end: Whether billing periods count from the end of the trial.
  [[was: whether billing periods count from the end of the trial.]]
add_on: Whether a tenant may have it beside another active subscription.
  [[was: whether a tenant may have it beside another subscription.]]
metadata: JSON object of the app's own. [[was: JSON object, at most 64 KiB.]],
  or null.
id: The plan's id if the caller chooses it. The same call with the same id
  returns that plan as it is now. [[was: plan_ and a ULID of your own choice,
  to make the call repeatable.]], or null.
tenant_id: The one tenant that it is for; the empty text for all. [[was:
  tenant of a custom deal.]]

Returns: The plan.

Errors: NullArgument, InvalidScope, InvalidArgument (the slug, the name or the
  days of trial are not valid), InvalidMetadata, InvalidId,
  IdempotencyConflict (the id is taken by a different plan), UnknownCurrency
  (the currency is neither of ISO 4217 nor the app's own), InvalidPlan
  (features or pricing are not valid; the message names the path),
  FeatureNotFound (a feature is not in the catalogue), Archived (a feature is
  archived), AlreadyExists (the slug is taken).$$;

revoke all on function ledger_create_plan from public;
grant execute on function ledger_create_plan to pgledger_poster;
