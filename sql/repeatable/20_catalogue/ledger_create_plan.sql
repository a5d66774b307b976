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
  'Creates a plan and returns it. slug: its name in addresses and code, 1 to 128 visible '
  'characters. name: for people, 1 to 255 characters. currency: code of ISO 4217, or one that the '
  'app has defined. features: JSON array of features and limits. pricing: JSON object of base fee '
  'and prices. description: at most 10000 characters. trial_days: 0 to 3650. anchor_at_trial_end: '
  'whether billing periods count from the end of the trial. add_on: whether a tenant may have it '
  'beside another subscription. metadata: JSON object, at most 64 KiB. id: plan_ and a ULID of '
  'your own choice, to make the call repeatable. tenant_id: tenant of a custom deal. Errors: '
  'NullArgument, InvalidScope, InvalidArgument, InvalidMetadata, InvalidId, IdempotencyConflict, '
  'UnknownCurrency, InvalidPlan, FeatureNotFound, Archived, AlreadyExists.';

revoke all on function ledger_create_plan from public;
grant execute on function ledger_create_plan to pgledger_poster;
