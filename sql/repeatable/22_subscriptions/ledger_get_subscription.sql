/*
Checks, in this order: app_id, tenant_id, id, existence.
*/
create or replace function @extschema@.ledger_get_subscription(
  app_id text,
  tenant_id text,
  id text
)
returns @extschema@.ledger_subscription
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_key bigint;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_id('id', id, 'sub');

  select subscriptions.key
  into v_key
  from pgledger.subscriptions
  where subscriptions.id = ledger_get_subscription.id
    and subscriptions.app_id = ledger_get_subscription.app_id
    and subscriptions.tenant_id = ledger_get_subscription.tenant_id;

  if not found then
    v_ok := pgledger.fail(
      'SubscriptionNotFound', array[id, pgledger.in_catalogue(app_id, tenant_id)]
    );
  end if;

  return pgledger.subscription_with_key(v_key);
end;
$$;

comment on function @extschema@.ledger_get_subscription is
$$Returns a subscription of a tenant, as it is written down.

app_id: App.
tenant_id: Tenant whose it is.
id: Id of the subscription.

Returns: The subscription.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound (the
  tenant has no such subscription).$$;

revoke all on function @extschema@.ledger_get_subscription from public;
grant execute on function @extschema@.ledger_get_subscription to pgledger_reader;
