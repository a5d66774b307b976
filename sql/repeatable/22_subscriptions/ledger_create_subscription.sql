/*
Subscribes a tenant to a plan, from now or from a time in the past. One that starts in the past is
moved on to now at once, by the rules of ledger_advance.

With an id of the caller's choice the call can be repeated: the second call returns the subscription
as it stands now if it asks for the same, and is refused if not.

Locks the tenant's live subscription, if that was to end by now, then the plan FOR SHARE.
Checks, in this order: app_id, tenant_id, plan_id, started_at, anchor_at, time_zone, trial_days,
quantity, metadata, id, tax_rates, repeat, plan, whether the tenant has a live subscription.
Errors: NullArgument, InvalidScope, InvalidId, InvalidTime, InvalidArgument, InvalidQuantity,
InvalidMetadata, InvalidInvoice, IdempotencyConflict, PlanNotFound, Archived,
ActiveSubscriptionExists.
*/
create or replace function ledger_create_subscription(
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
returns ledger_subscription
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_request pgledger.subscriptions;
  v_key bigint;
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

  perform pgledger.check_billing_scope(app_id, tenant_id);
  perform pgledger.check_id('plan_id', plan_id, 'plan');
  perform pgledger.check_new_subscription(v_request, trial_days);

  v_key := pgledger.repeated_subscription(v_request, plan_id, trial_days);
  if v_key is null then
    perform pgledger.make_way(app_id, tenant_id);
    v_key := pgledger.insert_subscription(v_request, plan_id, trial_days);
  end if;

  return pgledger.subscription_of(v_key);
end;
$$;

comment on function ledger_create_subscription is
$$Subscribes a tenant to a plan.

[[was: Subscribes a tenant to a plan and returns the subscription. Call it in
FROM: (ledger_create_subscription(...)).* calls it once for every column.]]

app_id: App.
tenant_id: Who subscribes.
plan_id: To which plan: one of the app's, or the tenant's own. [[was: a plan
  of the whole app or of the tenant.]]
started_at: Since when, not in the future; null for now. Periods that have
  passed since then are written down at once. [[was: now, or a time in the
  past.]], or null.
anchor_at: Boundary that periods are counted from; null for the end of the
  trial where the plan says so, and else for started_at. [[was: what periods
  are counted from; the start, or, if the plan says so, the end of the trial;
  with another, the first period is a part of one.]], or null.
time_zone: Zone of the IANA database in whose days and months periods are
  counted. [[was: UTC or the name of a time zone such as Europe/Berlin, in
  whose days and months periods are counted.]]
trial_days: Days of trial; null for the plan's, 0 for none. [[was: 0 to 3650,
  or null for the plan's.]], or null.
quantity: How many times the plan is taken. [[was: how many times the plan is
  taken, above 0.]]
metadata: JSON object of the app's own. [[was: JSON object, at most 64 KiB.]],
  or null.
id: The subscription's id if the caller chooses it. The same call with the
  same id returns it as it is now. [[was: sub_ and a ULID of your own choice,
  to make the call repeatable.]], or null.
tax_rates: Tax rates of its invoices, unless others are given for one: a
  mapping for each, for example {"name": "Sales tax", "percentage":
  Decimal("8.25"), "applies_to": ["base", "api_calls"]}. Percentages are
  Decimal, int or str, 0 to 100. applies_to names features, and base for base
  fees; without it a rate is on everything. [[was: JSON array of the tax rates
  of its invoices, such as [{"name": "VAT", "percentage": "19"}].]]

Returns: The subscription.

Errors: NullArgument, InvalidScope, InvalidId, InvalidTime (started_at is in
  the future, or a time is outside the years 1 to 9999), InvalidArgument (the
  time zone or the days of trial are not valid), InvalidQuantity (the quantity
  is not in range), InvalidMetadata, InvalidInvoice (tax_rates are not valid;
  the message names the path), IdempotencyConflict (the id is taken by a
  different subscription), PlanNotFound (there is no such plan for this app
  and tenant), Archived (the plan is archived), ActiveSubscriptionExists (the
  tenant has one that is not an add-on, nor is this one).$$;

revoke all on function ledger_create_subscription from public;
grant execute on function ledger_create_subscription to pgledger_poster;
