/*
Reads one element of a plan's features, fills in what it leaves out, and compares it with the
feature that it names. The caller has found the feature by the element's key.

Errors: InvalidPlan.
*/
create or replace function pgledger.read_plan_feature(
  item jsonb,
  path text,
  feature pgledger.features
)
returns pgledger.plan_features
language plpgsql
stable
parallel safe
as $$
declare
  v_row pgledger.plan_features;
  v_type text := pgledger.json_choice(
    item, path, 'type', array['boolean', 'metered', 'seat']
  );
  v_quota numeric := pgledger.json_decimal(item, path, 'limit', minimum => -1);
  v_period text := pgledger.json_choice(
    item, path, 'period', array['day', 'week', 'month', 'year', 'billing', 'lifetime']
  );
  v_soft_limit jsonb := coalesce(
    nullif(item -> 'soft_limit', 'null'), to_jsonb(feature.default_soft_limit), 'false'
  );
  v_aggregation text := pgledger.json_choice(
    item, path, 'aggregation', array['sum', 'count', 'max', 'unique_count', 'latest']
  );
  v_ok boolean;
begin
  if v_type <> feature.type then
    v_ok := pgledger.refuse_json(
      item -> 'type', path || '.type', 'is not the type of the feature, which is ' || feature.type
    );
  elsif feature.type = 'boolean' and v_quota not in (0, 1) then
    v_ok := pgledger.refuse_json(
      item -> 'limit', path || '.limit', 'is neither 0 nor 1, and the feature is boolean'
    );
  elsif v_quota < 0 and v_quota <> -1 then
    v_ok := pgledger.refuse_json(
      item -> 'limit', path || '.limit', 'is below 0 and not -1, which is for unlimited'
    );
  elsif v_period is not null and feature.type <> 'metered' then
    v_ok := pgledger.refuse_json(
      item -> 'period',
      path || '.period',
      'is for metered features, and this one is ' || feature.type
    );
  elsif jsonb_typeof(v_soft_limit) <> 'boolean' then
    v_ok := pgledger.refuse_json(
      v_soft_limit,
      path || '.soft_limit',
      format('is of type %s, not a boolean', jsonb_typeof(v_soft_limit))
    );
  elsif v_soft_limit = 'true' and feature.type = 'boolean' then
    v_ok := pgledger.refuse_json(
      v_soft_limit, path || '.soft_limit', 'is for limits, and the feature is boolean'
    );
  elsif v_aggregation is not null and feature.type <> 'metered' then
    v_ok := pgledger.refuse_json(
      item -> 'aggregation',
      path || '.aggregation',
      'is for metered features, and this one is ' || feature.type
    );
  elsif v_aggregation = 'unique_count' and feature.unique_key is null then
    v_ok := pgledger.refuse_json(
      item -> 'aggregation', path || '.aggregation', 'needs the feature to have a unique_key'
    );
  end if;

  v_row.feature_key := feature.key;
  v_row.feature_id := feature.id;
  v_row.type := feature.type;
  v_row.quota := coalesce(
    v_quota, feature.default_limit, case when feature.type = 'boolean' then 1 else -1 end
  );
  v_row.period := coalesce(v_period, feature.default_period, 'billing');
  v_row.soft_limit := v_soft_limit = 'true';
  v_row.aggregation := coalesce(v_aggregation, feature.aggregation, 'latest');
  return v_row;
end;
$$;

comment on function pgledger.read_plan_feature is
  'One of a plan''s features with defaults filled in; raises InvalidPlan unless it is sound.';

revoke all on function pgledger.read_plan_feature from public;
