/*
All answers are of one moment: the snapshot of the statement that calls this. Takes no lock and
writes nothing.

Checks, in this order: app_id, tenant_id, the arrays, each quantity, then each key.
*/
create or replace function @extschema@.ledger_check_entitlements(
  app_id text,
  tenant_id text,
  feature_keys text[],
  quantities numeric[] default null
)
returns setof @extschema@.ledger_entitlement
language plpgsql
stable
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_quantity numeric;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_arrays(
    array['feature_keys', 'quantities'],
    array[cardinality(feature_keys), cardinality(quantities)],
    array[array_ndims(feature_keys), array_ndims(quantities)],
    1
  );
  if quantities is not null then
    foreach v_quantity in array quantities loop
      v_ok := pgledger.check_quantity('quantities', v_quantity);
    end loop;
  end if;

  return query
  select
    answer.allowed, answer.feature, answer.used_so_far, answer."limit", answer.remaining,
    answer.is_soft, answer.why
  from unnest(feature_keys, quantities) with ordinality
    as asked (feature_key, quantity, place)
  cross join lateral pgledger.entitlement(
    ledger_check_entitlements.app_id, ledger_check_entitlements.tenant_id, asked.feature_key
  ) as found
  cross join lateral pgledger.entitlement_answer(
    asked.feature_key, found.used, found.quota, found.soft_limit, found.reason,
    coalesce(asked.quantity, 1)
  ) as answer
  order by asked.place;
end;
$$;

comment on function @extschema@.ledger_check_entitlements is
$$Says of several features whether a tenant may use so much more of them now.

Each answer is that of ledger_check_entitlement, and all are of the same
moment. Two answers for the same feature do not add up.

app_id: App.
tenant_id: Tenant who wants to use them.
feature_keys: Keys of the features, at most 100,000.
quantities: How much more of each, on top of what was used, 0 or more; as many
  as there are keys; null for 1 of each.

Returns: One row for each key, in their order: whether it is allowed, what is
  used and left of the limit, and why.

Errors: NullArgument (also for a key or a quantity that is null),
  InvalidScope, InvalidBatch, BatchTooLarge (more than 100,000 keys),
  InvalidQuantity (a quantity is not in range), FeatureNotFound (there is no
  feature of one of these keys for this app and tenant).$$;

revoke all on function @extschema@.ledger_check_entitlements from public;
grant execute on function @extschema@.ledger_check_entitlements to pgledger_reader;
