/*
Locks: the cache's row.
Checks, in this order: app_id, tenant_id, ttl, feature_key.
*/
create or replace function @extschema@.ledger_set_cached_entitlement(
  app_id text,
  tenant_id text,
  feature_key text,
  ttl interval default null
)
returns @extschema@.ledger_entitlement
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_answer record;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  if ttl is not null then
    v_ok := pgledger.check_entitlement_ttl(ttl);
  end if;
  perform pgledger.may_remember(app_id, tenant_id, feature_key);
  select
    answer.allowed, answer.feature, answer.used_so_far, answer."limit", answer.remaining,
    answer.is_soft, answer.why
  into v_answer
  from pgledger.remember_entitlement(
    app_id, tenant_id, feature_key, 1, coalesce(ttl, pgledger.entitlement_ttl(app_id)), v_now
  ) as answer;

  return v_answer;
end;
$$;

comment on function @extschema@.ledger_set_cached_entitlement is
$$Checks an entitlement and remembers it for ledger_get_cached_entitlement.

It is served until its time is over, or until something that it was made from
changes: the plan, the subscription, usage, an invalidation, or the end of the
limit's period, of a trial or of a subscription.

app_id: App.
tenant_id: Tenant whose it is.
feature_key: Key of the feature.
ttl: How long it may be served at most, above 0 and at most a day; null for
  what ledger_set_entitlement_ttl has set for the app, 30 seconds at first.

Returns: What ledger_check_entitlement returns for a quantity of 1.

Errors: NullArgument, InvalidScope, InvalidArgument (ttl is out of range),
  FeatureNotFound (there is no feature of this key for this app and tenant),
  UnknownTimeZone (the server does not know the time zone of the tenant's
  subscription any more).$$;

revoke all on function @extschema@.ledger_set_cached_entitlement from public;
grant execute on function @extschema@.ledger_set_cached_entitlement to pgledger_poster;
