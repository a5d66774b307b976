/*
Nothing is written if the subscription is paused already.

Locks the subscription, and first writes what has become due for it.
Checks, in this order: app_id, tenant_id, id, existence, status.
*/
create or replace function @extschema@.ledger_pause_subscription(
  app_id text,
  tenant_id text,
  id text
)
returns @extschema@.ledger_subscription
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.subscriptions := pgledger.lock_subscription(app_id, tenant_id, id);
  v_now timestamptz := pgledger.subscription_clock(v_old);
  v_new pgledger.subscriptions := pgledger.advance_subscription(v_old, v_now);
  v_ok boolean;
begin
  if v_new.status = 'paused' then
    return pgledger.subscription_with_key(v_new.key);
  elsif v_new.status in ('scheduled', 'canceled') then
    v_ok := pgledger.refuse_subscription_change(v_new, 'paused');
  end if;

  v_new.status := 'paused';
  v_new.paused_at := v_now;
  v_new := pgledger.note_subscription_change(v_new, 'paused', v_now, v_now);
  return pgledger.store_subscription(v_new);
end;
$$;

comment on function @extschema@.ledger_pause_subscription is
$$Pauses a subscription: it gives nothing until it is resumed.

No period of it begins meanwhile. The days of its trial go by, and a decided
cancellation still ends it.

app_id: App.
tenant_id: Tenant whose it is.
id: Id of the subscription.

Returns: The subscription; a second call changes nothing.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound (the
  tenant has no such subscription), InvalidState (it is canceled, or has not
  begun).$$;

revoke all on function @extschema@.ledger_pause_subscription from public;
grant execute on function @extschema@.ledger_pause_subscription to pgledger_poster;
