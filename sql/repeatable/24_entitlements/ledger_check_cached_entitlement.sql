/*
What is remembered is served; what is not is worked out, and remembered where that can be done
without waiting for anybody and without failing. A snapshot taken earlier would fail on what others
have remembered since.

What is remembered is looked up first: for it, the names were checked when it was.

Locks: the cache's row, if it is free.
Checks, in this order: app_id, tenant_id, quantity, feature_key.
*/
create or replace function @extschema@.ledger_check_cached_entitlement(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric default 1
)
returns @extschema@.ledger_entitlement
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
-- As for pgledger.usage_sums.
set plan_cache_mode = force_generic_plan
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_answer record;
  v_ok boolean;
begin
  select
    answer.allowed, answer.feature, answer.used_so_far, answer."limit", answer.remaining,
    answer.is_soft, answer.why
  into v_answer
  from pgledger.cached_entitlement(app_id, tenant_id, feature_key, quantity, v_now) as answer;
  if found then
    v_ok := pgledger.check_quantity('quantity', quantity);
    return v_answer;
  end if;
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_quantity('quantity', quantity);

  if current_setting('transaction_isolation') in ('read committed', 'read uncommitted')
    and not current_setting('transaction_read_only')::boolean
    and pgledger.may_remember(app_id, tenant_id, feature_key) then
    select
      answer.allowed, answer.feature, answer.used_so_far, answer."limit", answer.remaining,
      answer.is_soft, answer.why
    into v_answer
    from pgledger.remember_entitlement(
      app_id, tenant_id, feature_key, quantity, pgledger.entitlement_ttl(app_id), v_now
    ) as answer;
  else
    select
      answer.allowed, answer.feature, answer.used_so_far, answer."limit", answer.remaining,
      answer.is_soft, answer.why
    into v_answer
    from pgledger.entitlement(app_id, tenant_id, feature_key) as found
    cross join lateral pgledger.entitlement_answer(
      feature_key, found.used, found.quota, found.soft_limit, found.reason, quantity
    ) as answer;
  end if;
  return v_answer;
end;
$$;

comment on function @extschema@.ledger_check_cached_entitlement is
$$Says whether a tenant may use so much more of a feature, and remembers it.

The answer is that of ledger_check_entitlement: a remembered one is served
only while nothing that it was made from has changed, and for no longer than
ledger_set_entitlement_ttl says. What is not remembered is worked out, and
then remembered.

It never waits for another transaction. In a read-only transaction, on a
standby, and above read committed it remembers nothing.

app_id: App.
tenant_id: Tenant who wants to use it.
feature_key: Key of the feature.
quantity: How much more, on top of what was used, 0 or more.

Returns: Whether it is allowed, what is used and left of the limit, and why.

Errors: NullArgument, InvalidScope, InvalidQuantity (the quantity is not in
  range), FeatureNotFound (there is no feature of this key for this app and
  tenant).$$;

revoke all on function @extschema@.ledger_check_cached_entitlement from public;
grant execute on function @extschema@.ledger_check_cached_entitlement to pgledger_poster;
