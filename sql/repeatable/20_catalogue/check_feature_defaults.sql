/*
Refuses a feature whose limit, period or soft limit for plans that name none is wrong, by the rules
that plans follow when they name them.

Errors: InvalidQuantity, InvalidArgument.
*/
create or replace function pgledger.check_feature_defaults(feature pgledger.features)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  if feature.type = 'boolean' and feature.default_limit not in (0, 1) then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'default_limit',
        pgledger.abridged(feature.default_limit::text),
        'it is neither 0 nor 1, and the feature is boolean'
      ]
    );
  elsif feature.default_limit <> -1 then
    v_ok := pgledger.check_quantity('default_limit', feature.default_limit);
  end if;

  if feature.default_period is not null then
    v_ok := pgledger.check_choice(
      'default_period',
      feature.default_period,
      array['day', 'week', 'month', 'year', 'billing', 'lifetime']
    );
    if feature.type <> 'metered' then
      v_ok := pgledger.fail(
        'InvalidArgument',
        array[
          'default_period',
          quote_literal(feature.default_period),
          'the feature is not metered but ' || feature.type
        ]
      );
    end if;
  end if;

  if feature.default_soft_limit and feature.type = 'boolean' then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array['default_soft_limit', 'true', 'it is for limits, and the feature is boolean']
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_feature_defaults is
  'Raises the first thing that is wrong with what a feature has in plans that name no limit.';

revoke all on function pgledger.check_feature_defaults from public;
