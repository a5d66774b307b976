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
  v_ok boolean;
begin
  if v_feature.id is null then
    return false;
  elsif (
    v_feature.app_id, v_feature.tenant_id, v_feature.key, v_feature.type, v_feature.unique_key
  ) is distinct from (
    request.app_id, request.tenant_id, request.key, request.type, request.unique_key
  )
    or (
      v_feature.version = 1
      and (v_feature.name, v_feature.description, v_feature.aggregation, v_feature.metadata)
      is distinct from (request.name, request.description, request.aggregation, request.metadata)
    ) then
    v_ok := pgledger.fail('IdempotencyConflict', array[request.id]);
  end if;

  return true;
end;
$$;

comment on function pgledger.feature_is_repeated is
  'Whether a feature has that id already; raises if another request created it.';

revoke all on function pgledger.feature_is_repeated from public;
