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
  'Subscribes a tenant to a plan and returns the subscription. Call it in FROM: '
  '(ledger_create_subscription(...)).* calls it once for every column. plan_id: a plan of the '
  'whole app or of the tenant. started_at: now, or a time in the past. anchor_at: what periods are '
  'counted from; the start, or, if the plan says so, the end of the trial; with another, the first '
  'period is a part of one. time_zone: UTC or the name of a time zone such as Europe/Berlin, in '
  'whose days and months periods are counted. trial_days: 0 to 3650, or null for the plan''s. '
  'quantity: how many times the plan is taken, above 0. metadata: JSON object, at most 64 KiB. id: '
  'sub_ and a ULID of your own choice, to make the call repeatable. tax_rates: JSON array of the '
  'tax rates of its invoices, such as [{"name": "VAT", "percentage": "19"}]. Errors: NullArgument, '
  'InvalidScope, InvalidId, InvalidTime, InvalidArgument, InvalidQuantity, InvalidMetadata, '
  'InvalidInvoice, IdempotencyConflict, PlanNotFound, Archived, ActiveSubscriptionExists.';

revoke all on function ledger_create_subscription from public;
grant execute on function ledger_create_subscription to pgledger_poster;
