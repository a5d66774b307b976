/*
Refuses a feature that has a wrong value, or values that do not go together. The caller checks its
key. The order of the checks is that of the arguments.

Errors: NullArgument, InvalidArgument, InvalidMetadata, InvalidQuantity.
*/
create or replace function pgledger.check_feature(feature pgledger.features)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text;
  v_ok boolean;
begin
  v_ok := pgledger.check_text('name', feature.name, 255, allow_invisible => true);
  v_ok := pgledger.check_choice('type', feature.type, array['boolean', 'metered', 'seat']);

  if feature.aggregation is not null then
    v_ok := pgledger.check_choice(
      'aggregation', feature.aggregation, array['sum', 'count', 'max', 'unique_count', 'latest']
    );
    v_fault := case
      when feature.type <> 'metered' then 'the feature is not metered but ' || feature.type
      when feature.aggregation = 'unique_count' and feature.unique_key is null
        then 'the feature has no unique_key, whose different values it would count'
    end;
    if v_fault is not null then
      v_ok := pgledger.fail(
        'InvalidArgument', array['aggregation', quote_literal(feature.aggregation), v_fault]
      );
    end if;
  end if;

  if feature.unique_key is not null then
    v_ok := pgledger.check_text('unique_key', feature.unique_key, 128, allow_invisible => true);
    if feature.type <> 'metered' then
      v_ok := pgledger.fail(
        'InvalidArgument',
        array[
          'unique_key',
          quote_literal(pgledger.abridged(feature.unique_key)),
          'the feature is not metered but ' || feature.type
        ]
      );
    end if;
  end if;

  if feature.description is not null then
    v_ok := pgledger.check_text(
      'description', feature.description, 10000, allow_invisible => true, minimum => 0
    );
  end if;

  v_ok := pgledger.check_metadata(feature.metadata);
  return pgledger.check_feature_defaults(feature);
end;
$$;

comment on function pgledger.check_feature is
  'Raises the first thing that is wrong with a feature''s name, type, aggregation or metadata.';

revoke all on function pgledger.check_feature from public;
