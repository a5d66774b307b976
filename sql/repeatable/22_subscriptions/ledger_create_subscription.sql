/*
A repeated call is refused if anything that it asks for differs. One that starts in the past is
moved to now by the rules of ledger_advance, one that starts later is scheduled.

Locks the tenant's live subscription, if its cancellation is due, then what it has scheduled and is
due, then the plan FOR SHARE.
Checks, in this order: app_id, tenant_id, plan_id, started_at, anchor_at, time_zone, trial_days,
quantity, metadata, id, tax_rates, repeat, plan, whether the tenant has a live subscription.
*/
create or replace function @extschema@.ledger_create_subscription(
  app_id text,
  tenant_id text,
  plan_id text,
  started_at timestamptz default null,
  anchor_at timestamptz default null,
  time_zone text default 'UTC',
  trial_days integer default null,
  quantity numeric default 1,
  metadata jsonb default null,
  id text default null,
  tax_rates jsonb default '[]'
)
returns @extschema@.ledger_subscription
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_request pgledger.subscriptions;
  v_key bigint;
  v_ok boolean;
begin
  v_request.id := id;
  v_request.app_id := app_id;
  v_request.tenant_id := tenant_id;
  v_request.quantity := quantity;
  v_request.started_at := started_at;
  v_request.anchor_at := anchor_at;
  v_request.time_zone := time_zone;
  v_request.metadata := metadata;
  v_request.tax_rates := tax_rates;
  v_request.created_at := pgledger.clock();

  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_id('plan_id', plan_id, 'plan');
  v_ok := pgledger.check_new_subscription(v_request, trial_days);

  v_key := pgledger.repeated_subscription(v_request, plan_id, trial_days);
  if v_key is null then
    perform pgledger.end_overdue_subscription(app_id, tenant_id);
    perform pgledger.start_due_subscription(app_id, tenant_id);
    v_key := pgledger.insert_subscription(v_request, plan_id, trial_days);
  end if;

  return pgledger.subscription_with_key(v_key);
end;
$$;

comment on function @extschema@.ledger_create_subscription is
$$Subscribes a tenant to a plan, from now, from a time in the past or later.

A tenant has at most one subscription that is trialing or active, and any
number of add-ons beside it. What has happened since a start in the past, such
as the end of the trial and new periods, is written down at once.

One that starts later is scheduled: until then it gives nothing and costs
nothing, and can be changed or cancelled. It starts by the clock. If the
tenant's live one does not end by then it is refused; should that still be
live when the time comes, ledger_advance reports it as failed, and the start
waits until one of both is cancelled.

Call it in FROM: (ledger_create_subscription(...)).* calls it once for every
column.

app_id: App.
tenant_id: Tenant who subscribes.
plan_id: Id of the plan: one for the whole app, or the tenant's own.
started_at: Start of the first period, at most 10,000 periods ago, or in the
  future; ledger_advance moves on what began more than 100 changes ago; null
  for now.
anchor_at: Boundary that periods are counted from, which may make the first
  one shorter; null for the end of the trial if the plan says so, and else for
  the start.
time_zone: Zone in whose days and months periods are counted: UTC, or a name
  of the IANA database such as Europe/Berlin.
trial_days: Days of trial, 0 to 3650; null for the plan's.
quantity: How many times the plan is taken, above 0.
metadata: JSON object of the app's own, at most 64 KiB, or null.
id: Id that the caller chooses, sub_ and a ULID, so that the call can be
  repeated: it then returns the subscription as it is now; null for a new one.
tax_rates: JSON array of the tax rates of its invoices, at most 20, for
  example [{"name": "Sales tax", "percentage": "8.25",
  "applies_to": ["base", "api_calls"]}]. A percentage is from 0 to 100.
  applies_to names features, and base for base fees; without it a rate is on
  everything. An invoice may be given others.

Returns: The subscription.

Errors: NullArgument, InvalidScope, InvalidId, InvalidTime (started_at is too
  long ago, or a time is outside the years 1 to 9999),
  InvalidArgument (the time zone or the days of trial are not valid),
  InvalidQuantity (the quantity is not in range), InvalidMetadata,
  InvalidInvoice (tax_rates are not valid; the message names the path),
  IdempotencyConflict (the id is taken by a different subscription),
  PlanNotFound (there is no such plan for this app and tenant), Archived (the
  plan is archived), ActiveSubscriptionExists (neither the tenant's
  subscription nor this one is an add-on, and both would be live).$$;

revoke all on function @extschema@.ledger_create_subscription from public;
grant execute on function @extschema@.ledger_create_subscription to pgledger_poster;
