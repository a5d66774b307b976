/*
Refuses a new feature that would give usage recorded under its key another meaning. A tenant's meter
is of the type and unique_key of the feature that its key named when the meter was opened, and its
totals are kept accordingly.

Errors: InUse.
*/
create or replace function pgledger.check_usage_keeps_meaning(feature pgledger.features)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_meter record;
  v_ok boolean;
begin
  select meters.tenant_id, meters.type, meters.unique_key
  into v_meter
  from pgledger.meters
  where meters.feature_key = feature.key
    and feature.app_id in (meters.app_id, '*')
    and feature.tenant_id in (meters.tenant_id, '')
    and (meters.type, meters.unique_key) is distinct from (feature.type, feature.unique_key)
    -- Where a narrower feature exists, the key goes on naming that one.
    and not exists (
      select
      from pgledger.features as narrower
      where narrower.key = feature.key
        and (narrower.app_id, narrower.tenant_id) in (
          (meters.app_id, meters.tenant_id), (meters.app_id, '')
        )
        and (narrower.app_id, narrower.tenant_id) <> (feature.app_id, feature.tenant_id)
        and (narrower.tenant_id <> '' or feature.app_id = '*')
    )
  limit 1;
  if found then
    v_ok := pgledger.fail(
      'InUse',
      array[
        'feature key',
        quote_literal(feature.key),
        'given another type or unique_key',
        format(
          'usage of tenant %s was recorded as %s%s',
          quote_literal(v_meter.tenant_id),
          v_meter.type,
          ' by ' || quote_literal(v_meter.unique_key)
        )
      ]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_usage_keeps_meaning is
  'Raises InUse if a feature would give another meaning to usage recorded under its key.';

revoke all on function pgledger.check_usage_keeps_meaning from public;
