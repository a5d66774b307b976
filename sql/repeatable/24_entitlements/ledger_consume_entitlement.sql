/*
Locks: those of pgledger.consume_within_limit.
Checks, in this order: app_id, tenant_id, quantity, whether the key is taken, feature_key, limit,
what the usage event is made of.
*/
create or replace function @extschema@.ledger_consume_entitlement(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric default 1,
  idempotency_key text default null,
  metadata jsonb default null
)
returns @extschema@.ledger_consumption
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_status text;
  v_id text;
  v_answer record;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_quantity('quantity', quantity);
  v_id := pgledger.event_of_key(
    app_id, tenant_id, feature_key, quantity, null, idempotency_key, was_consumed => true
  );
  if v_id is null then
    select consumed.status, consumed.id
    into v_status, v_id
    from pgledger.consume_within_limit(
      app_id, tenant_id, feature_key, quantity, idempotency_key, metadata
    ) as consumed;
    if v_status is distinct from 'inserted' then
      -- The same call, made at the same time, may have used up the limit or taken the key.
      v_id := pgledger.event_of_key(
        app_id, tenant_id, feature_key, quantity, null, idempotency_key, was_consumed => true
      );
    end if;
  end if;
  if v_status is null and v_id is not null then
    v_status := 'duplicate';
  end if;

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
  into v_answer
  from pgledger.entitlement(app_id, tenant_id, feature_key) as found
  cross join lateral pgledger.entitlement_answer(
    feature_key, found.used, found.quota, found.soft_limit, found.reason,
    -- What was recorded is part of what is used.
    case when v_status is null then quantity else 0 end
  ) as answer;

  return v_answer;
end;
$$;

comment on function @extschema@.ledger_consume_entitlement is
$$Checks a limit and records usage in one step, if the limit allows it.

Of any number of calls at the same time, no more are allowed than the limit
has room for. What counts against the limit is what usage comes to with this,
by the feature's aggregation. Calls for one tenant and feature wait for each
other until their transactions end, so keep those short.

app_id: App.
tenant_id: Tenant who uses it.
feature_key: Key of the feature.
quantity: How much, 0 or more; for a seat, how many more.
idempotency_key: The caller's own name of the usage event, 1 to 255
  characters, unique for the tenant's usage of the feature: the same call with
  the same key is allowed, records nothing and has the reason duplicate, or
  null.
metadata: JSON object to store with the usage event, at most 64 KiB, or null.

Returns: Whether it was allowed and recorded, what is used and left of the
  limit afterwards, and why; what is not allowed is no error. event_id is null
  if nothing was recorded, now or before under that key.

Errors: NullArgument, InvalidScope, InvalidQuantity (the quantity is not in
  range), IdempotencyConflict (the key is taken by usage of another quantity),
  FeatureNotFound (there is no feature of this key for this app and
  tenant), InvalidArgument (the feature is not one that is used up, or the key
  or a value that it counts by is not valid), InvalidMetadata, UnknownTimeZone
  (the server does not know the time zone of the tenant's subscription any
  more).$$;

revoke all on function @extschema@.ledger_consume_entitlement from public;
grant execute on function @extschema@.ledger_consume_entitlement to pgledger_poster;
