/*
Changes what a subscription has of its own: quantity and metadata; null leaves either as it is.
Nothing is written if both are so already.

Locks the subscription, and first writes down what the clock has decided about it.
Checks, in this order: app_id, tenant_id, id, existence, quantity, metadata, status.
Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound, InvalidQuantity,
InvalidMetadata, InvalidState.
*/
create or replace function ledger_update_subscription(
  app_id text,
  tenant_id text,
  id text,
  quantity numeric default null,
  metadata jsonb default null
)
returns ledger_subscriptions
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.subscriptions := pgledger.lock_subscription(app_id, tenant_id, id);
  v_now timestamptz := pgledger.clock();
  v_new pgledger.subscriptions := pgledger.advance_subscription(v_old, v_now);
begin
  if quantity is not null then
    perform pgledger.check_subscription_quantity(quantity);
  end if;
  perform pgledger.check_metadata(metadata);

  if (coalesce(quantity, v_new.quantity), coalesce(metadata, v_new.metadata))
    is not distinct from (v_new.quantity, v_new.metadata) then
    return pgledger.subscription_of(v_new.key);
  elsif v_new.status = 'canceled' then
    perform pgledger.refuse_move(v_new, 'updated');
  end if;

  v_new.quantity := coalesce(quantity, v_new.quantity);
  v_new.metadata := coalesce(metadata, v_new.metadata);
  v_new := pgledger.note_subscription_change(v_new, 'updated', v_now, v_now);
  return pgledger.store_subscription(v_new);
end;
$$;

comment on function ledger_update_subscription is
  'Changes quantity and metadata of a subscription and returns it; null leaves them. quantity: '
  'above 0. metadata: JSON object, at most 64 KiB, instead of the one before. Errors: '
  'NullArgument, InvalidScope, InvalidId, SubscriptionNotFound, InvalidQuantity, InvalidMetadata, '
  'InvalidState.';

revoke all on function ledger_update_subscription from public;
grant execute on function ledger_update_subscription to pgledger_poster;
