/*
The tenant's live subscription that is not an add-on: trialing or active, and not to end by now,
whether or not its end is written down already. There is at most one.

Errors: NullArgument, InvalidScope.
*/
create or replace function ledger_get_active_subscription(
  app_id text,
  tenant_id text
)
returns setof ledger_subscription
language plpgsql
stable
parallel safe
rows 1
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_key bigint;
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);

  select subscriptions.key
  into v_key
  from pgledger.subscriptions
  where subscriptions.app_id = ledger_get_active_subscription.app_id
    and subscriptions.tenant_id = ledger_get_active_subscription.tenant_id
    and not subscriptions.add_on
    and subscriptions.status in ('trialing', 'active')
    and (subscriptions.cancel_at > v_now or subscriptions.cancel_at is null);

  if found then
    return next pgledger.subscription_of(v_key);
  end if;
end;
$$;

comment on function ledger_get_active_subscription is
$$Returns what a tenant is subscribed to now.

[[was: The tenant's trialing or active subscription that is not an add-on, or
no row.]]

app_id: App.
tenant_id: Whose.

Returns: The one that is trialing or active and not an add-on, or null.

Errors: NullArgument, InvalidScope.$$;

revoke all on function ledger_get_active_subscription from public;
grant execute on function ledger_get_active_subscription to pgledger_reader;
