/*
Takes no lock and writes nothing.
Checks, in this order: app_id, tenant_id, feature_key.
*/
create or replace function @extschema@.ledger_remaining_entitlement(
  app_id text,
  tenant_id text,
  feature_key text
)
returns numeric
language plpgsql
stable
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  return (
    select answer.remaining
    from pgledger.entitlement(app_id, tenant_id, feature_key) as found
    cross join lateral pgledger.entitlement_answer(
      feature_key, found.used, found.quota, found.soft_limit, found.reason, 0
    ) as answer
  );
end;
$$;

comment on function @extschema@.ledger_remaining_entitlement is
$$Says how much of a feature a tenant has left now.

app_id: App.
tenant_id: Tenant who wants to use it.
feature_key: Key of the feature.

Returns: How much; -1 if it is unlimited, 0 if the tenant does not have it; of
  a boolean feature 1 if it is on.

Errors: NullArgument, InvalidScope, FeatureNotFound (there is no feature of
  this key for this app and tenant), UnknownTimeZone (the server does not know
  the time zone of the tenant's subscription any more).$$;

revoke all on function @extschema@.ledger_remaining_entitlement from public;
grant execute on function @extschema@.ledger_remaining_entitlement to pgledger_reader;
