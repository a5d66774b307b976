/*
Whether a tenant may use so much more of a feature now. Exact at the time of the call; to check and
record in one step, so that nobody else comes between, there is ledger_consume_entitlement.
Errors: NullArgument, InvalidScope, InvalidQuantity, FeatureNotFound.
*/
create or replace function ledger_check_entitlement(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric default 1
)
returns setof ledger_entitlement
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  perform pgledger.check_quantity('quantity', quantity);
  return query
  select
    answer.allowed, answer.feature, answer.used_so_far, answer."limit", answer.remaining,
    answer.is_soft, answer.why
  from pgledger.entitlement(app_id, tenant_id, feature_key) as found
  cross join lateral pgledger.allowance(
    feature_key, found.used, found.quota, found.soft_limit, found.reason, quantity
  ) as answer;
end;
$$;

comment on function ledger_check_entitlement is
$$Says whether a tenant may use a feature now.

[[was: Whether a tenant may use so much more of a feature now: allowed,
feature, used (in the limit's period; for a seat, the level), limit (-1:
unlimited; of a boolean 1 for on), remaining (-1: unlimited), soft_limit, and
a reason: within_limit, unlimited, soft_limit (allowed beyond the limit),
enabled; or limit_exceeded, disabled, not_in_plan, paused, no_subscription.]]

app_id: App.
tenant_id: Who wants to use it.
feature_key: What.
quantity: How much of it, on top of what was used. [[was: how much more, 0 or
  more. Exact, never cached.]]

Returns: Whether it is allowed, and why.

Errors: NullArgument, InvalidScope, InvalidQuantity (the quantity is not in
  range), FeatureNotFound (there is no feature of this key for this app and
  tenant).$$;

revoke all on function ledger_check_entitlement from public;
grant execute on function ledger_check_entitlement to pgledger_reader;
