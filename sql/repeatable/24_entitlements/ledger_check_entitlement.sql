/*
Takes no lock and writes nothing.
Checks, in this order: app_id, tenant_id, quantity, feature_key.
*/
create or replace function @extschema@.ledger_check_entitlement(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric default 1
)
returns @extschema@.ledger_entitlement
language plpgsql
stable
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_answer record;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_quantity('quantity', quantity);

  select
    answer.allowed, answer.feature, answer.used_so_far, answer."limit", answer.remaining,
    answer.is_soft, answer.why
  into v_answer
  from pgledger.entitlement(app_id, tenant_id, feature_key) as found
  cross join lateral pgledger.entitlement_answer(
    feature_key, found.used, found.quota, found.soft_limit, found.reason, quantity
  ) as answer;

  return v_answer;
end;
$$;

comment on function @extschema@.ledger_check_entitlement is
$$Says whether a tenant may use so much more of a feature now.

It is exact at the time of the call, never cached. To check and record in one
step there is ledger_consume_entitlement.

A boolean feature that is on has a limit of 1 and the reason enabled; one that
is off has 0 and disabled. The reason soft_limit allows what is above the
limit; limit_exceeded does not. A feature that no plan of the tenant contains
is not_in_plan; if the plans are paused, paused; without any subscription,
no_subscription.

app_id: App.
tenant_id: Tenant who wants to use it.
feature_key: Key of the feature.
quantity: How much more, on top of what was used, 0 or more.

Returns: Whether it is allowed, what is used and left of the limit, and why.

Errors: NullArgument, InvalidScope, InvalidQuantity (the quantity is not in
  range), FeatureNotFound (there is no feature of this key for this app and
  tenant), UnknownTimeZone (the server does not know the time zone of the
  tenant's subscription any more).$$;

revoke all on function @extschema@.ledger_check_entitlement from public;
grant execute on function @extschema@.ledger_check_entitlement to pgledger_reader;
