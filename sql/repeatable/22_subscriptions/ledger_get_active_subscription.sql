/*
There is at most one that is live: a unique index holds that. No lock is taken and nothing is
written, so the answer looks at cancel_at and at a start that is due itself; while that has to wait,
the one that is live comes first.
*/
create or replace function @extschema@.ledger_get_active_subscription(
  app_id text,
  tenant_id text
)
returns setof @extschema@.ledger_subscription
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
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);

  select subscriptions.key
  into v_key
  from pgledger.subscriptions
  where subscriptions.app_id = ledger_get_active_subscription.app_id
    and subscriptions.tenant_id = ledger_get_active_subscription.tenant_id
    and not subscriptions.add_on
    and (
      subscriptions.status in ('trialing', 'active')
      or (subscriptions.status = 'scheduled' and subscriptions.started_at <= v_now)
    )
    and (subscriptions.cancel_at > v_now or subscriptions.cancel_at is null)
  order by subscriptions.status = 'scheduled', subscriptions.started_at, subscriptions.key
  limit 1;

  if found then
    return next pgledger.subscription_with_key(v_key);
  end if;
end;
$$;

comment on function @extschema@.ledger_get_active_subscription is
$$Returns what a tenant is subscribed to now, add-ons left out.

One whose cancellation is due does not count any more, and one whose start is
due counts already, even if that is not written down yet.

app_id: App.
tenant_id: Tenant whose it is.

Returns: The subscription that is trialing or active and not an add-on, or no
  row.

Errors: NullArgument, InvalidScope.$$;

revoke all on function @extschema@.ledger_get_active_subscription from public;
grant execute on function @extschema@.ledger_get_active_subscription to pgledger_reader;
