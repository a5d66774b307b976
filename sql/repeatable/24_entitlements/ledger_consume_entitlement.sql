/*
Checks and records in one step: usage is recorded if the limit allows it, and otherwise nothing is.
A call that is repeated with the same idempotency key records nothing a second time. Concurrent
calls for one tenant and feature take turns until their transactions end.
Locks: those of pgledger.consume.
Errors: NullArgument, InvalidScope, InvalidQuantity, InvalidArgument, InvalidMetadata,
FeatureNotFound, IdempotencyConflict.
*/
create or replace function ledger_consume_entitlement(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric default 1,
  idempotency_key text default null,
  metadata jsonb default null
)
returns setof ledger_consumption
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_status text;
  v_id text;
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  perform pgledger.check_quantity('quantity', quantity);
  v_id := pgledger.event_of_key(app_id, tenant_id, feature_key, quantity, idempotency_key);
  if v_id is null then
    select consumed.status, consumed.id
    into v_status, v_id
    from pgledger.consume(
      app_id, tenant_id, feature_key, quantity, idempotency_key, metadata
    ) as consumed;
    if v_status is distinct from 'inserted' then
      -- The limit, or the key, may have been taken by the same call, made at the same time.
      v_id := pgledger.event_of_key(app_id, tenant_id, feature_key, quantity, idempotency_key);
    end if;
  end if;
  if v_status is null and v_id is not null then
    v_status := 'duplicate';
  end if;
  return query
  select
    v_status is not null,
    answer.feature,
    answer.used_so_far,
    answer."limit",
    answer.remaining,
    answer.is_soft,
    case
      when v_status = 'duplicate' then 'duplicate'
      when v_status is null and answer.allowed then 'limit_exceeded'
      else answer.why
    end,
    v_id
  from pgledger.entitlement(app_id, tenant_id, feature_key) as found
  cross join lateral pgledger.allowance(
    feature_key, found.used, found.quota, found.soft_limit, found.reason,
    -- What was recorded is in what is used.
    case when v_status is null then quantity else 0 end
  ) as answer;
end;
$$;

comment on function ledger_consume_entitlement is
$$Checks and uses a feature in one step.

Whoever does it at the same time, no more is used than there is.

[[was: Records usage if the limit allows it, in one step: of any number of
concurrent calls no more are allowed than the limit has room for; what counts
is what usage comes to with it, by the feature's aggregation.]]

app_id: App.
tenant_id: Who uses it.
feature_key: What.
quantity: How much. [[was: how much, 0 or more; for a seat, how many more.]]
idempotency_key: The tenant's own name of the usage event: a second one is not
  counted. [[was: the same call repeated with it is allowed, records nothing
  and says duplicate as its reason. Returns what ledger_check_entitlement
  does, as it is afterwards, and event_id, null if nothing was recorded now
  (or before, under that key).]], or null.
metadata: JSON object to store with the usage event, or null.

Returns: Whether it was allowed and recorded, and what is left. What is not
  allowed is no error.

Errors: NullArgument, InvalidScope, InvalidQuantity (the quantity is not in
  range), InvalidArgument (the feature is not one that is used up, or the key
  or a value that it counts by is not valid), InvalidMetadata, FeatureNotFound
  (there is no feature of this key for this app and tenant),
  IdempotencyConflict (the key is taken by usage of another feature or
  quantity).$$;

revoke all on function ledger_consume_entitlement from public;
grant execute on function ledger_consume_entitlement to pgledger_poster;
