/*
What a tenant's usage of a feature in [starts_at, ends_at) comes to, by the aggregation that is
asked for or else by the feature's own, which is returned too. A feature that exists and was never
used comes to zero.
Errors: NullArgument, InvalidArgument, FeatureNotFound.
*/
create or replace function pgledger.aggregate_usage(
  app_id text,
  tenant_id text,
  feature_key text,
  starts_at timestamptz,
  ends_at timestamptz,
  inout aggregation text,
  out value numeric
)
language plpgsql
stable
parallel safe
as $$
declare
  v_feature record;
  v_meter record;
  v_ok boolean;
begin
  if feature_key is null then
    v_ok := pgledger.fail('NullArgument', array['feature_key']);
  elsif aggregation not in ('sum', 'count', 'max', 'unique_count', 'latest') then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'aggregation', quote_literal(pgledger.abridged(aggregation)),
        'it is not sum, count, max, unique_count or latest'
      ]
    );
  end if;
  select feature.type, feature.aggregation, feature.unique_key
  into v_feature
  from pgledger.find_feature(app_id, feature_key, tenant_id) as feature;
  if v_feature.type is null then
    v_ok := pgledger.fail(
      'FeatureNotFound',
      array[quote_literal(pgledger.abridged(feature_key)), pgledger.in_app(app_id)]
    );
  end if;
  select meters.key, meters.unique_key
  into v_meter
  from pgledger.meters
  where meters.app_id = aggregate_usage.app_id
    and meters.tenant_id = aggregate_usage.tenant_id
    and meters.feature_key = aggregate_usage.feature_key;
  aggregate_usage.aggregation := coalesce(aggregation, v_feature.aggregation, 'latest');
  if aggregate_usage.aggregation = 'unique_count'
    -- A meter keeps the values that its first feature asked for.
    and (
      case when v_meter.key is null then v_feature.unique_key else v_meter.unique_key end
    ) is null
  then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'aggregation', '''unique_count''',
        format('feature %s has no unique_key to count values of', quote_literal(feature_key))
      ]
    );
  end if;
  aggregate_usage.value := case
    when v_meter.key is null then 0
    else pgledger.usage_between(
      v_meter.key, v_meter.unique_key, aggregate_usage.aggregation, starts_at, ends_at
    )
  end;
end;
$$;

comment on function pgledger.aggregate_usage is
  'What a tenant''s usage of a feature in a range of time comes to, and by which aggregation.';

revoke all on function pgledger.aggregate_usage from public;
