/*
Reads a plan's features in their order, against the catalogue: the rows to store of them, still
without the plan's key.

Locks every feature that one of the keys could name FOR SHARE, ascending by id: until the plan is
written, none of them is archived or deleted. The plan may keep an archived feature.

Errors: InvalidPlan, FeatureNotFound, Archived.
*/
create or replace function pgledger.read_plan_features(
  features jsonb,
  app_id text,
  tenant_id text,
  plan_key bigint default null
)
returns pgledger.plan_features[]
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_rows pgledger.plan_features[] := '{}';
  v_row pgledger.plan_features;
  v_keys text[] := '{}';
  v_key text;
  v_item jsonb;
  v_path text;
  v_ok boolean;
begin
  v_ok := pgledger.check_json_array(read_plan_features.features, '$.features');
  v_ok := pgledger.check_json_size(read_plan_features.features, '$.features', false);

  perform 1
  from pgledger.features
  where features.key in (
    select item.value ->> 'key'
    from jsonb_array_elements(read_plan_features.features) as item
  )
    and features.app_id in (read_plan_features.app_id, '*')
    and features.tenant_id in (read_plan_features.tenant_id, '')
  order by features.id
  for share;

  for v_item in
    select item.value
    from jsonb_array_elements(read_plan_features.features) with ordinality as item (value, place)
    order by item.place
  loop
    v_path := format('$.features[%s]', cardinality(v_keys));
    v_ok := pgledger.check_json_object(
      v_item,
      v_path,
      array['key', 'type', 'limit', 'period', 'soft_limit', 'aggregation']
    );
    v_key := pgledger.json_text(v_item, v_path, 'key');

    if v_key = any(v_keys) then
      v_ok := pgledger.refuse_json(
        v_item -> 'key',
        v_path || '.key',
        format('stands at $.features[%s] already', array_position(v_keys, v_key) - 1)
      );
    end if;

    v_row := pgledger.read_plan_feature(
      v_item,
      v_path,
      pgledger.feature_allowed_in_plan(
        read_plan_features.app_id,
        read_plan_features.tenant_id,
        v_key,
        read_plan_features.plan_key
      )
    );
    v_row.place := cardinality(v_keys);
    v_rows := v_rows || v_row;
    v_keys := v_keys || v_key;
  end loop;

  v_ok := pgledger.check_json_size(read_plan_features.features, '$.features', true);
  return v_rows;
end;
$$;

comment on function pgledger.read_plan_features is
  'A plan''s features as rows, in order; raises unless each is sound and in the catalogue.';

revoke all on function pgledger.read_plan_features from public;
