/*
Whether an earlier call with that id has created the feature. Once the feature has been updated,
only what an update cannot change is compared.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.feature_is_repeated(request pgledger.features)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_feature pgledger.features := (
    select features
    from pgledger.features
    where features.id = request.id
  );
  v_fields text[] := array['app_id', 'tenant_id', 'key', 'type', 'unique_key'];
  v_ok boolean;
begin
  if v_feature.id is null then
    return false;
  elsif v_feature.version = 1 then
    v_fields := v_fields || array[
      'name', 'description', 'aggregation', 'metadata', 'default_limit', 'default_period',
      'default_soft_limit'
    ];
  end if;

  v_ok := pgledger.check_repeated(
    request.id, pgledger.picked(to_jsonb(request), v_fields), to_jsonb(v_feature)
  );
  return true;
end;
$$;

comment on function pgledger.feature_is_repeated is
  'Whether a feature has that id already; raises if another request created it.';

revoke all on function pgledger.feature_is_repeated from public;
