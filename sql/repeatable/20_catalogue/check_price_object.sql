/*
Refuses what is not an object, or has members that no price has. pgledger.check_price says which of
them a model needs.

Errors: InvalidPlan.
*/
create or replace function pgledger.check_price_object(
  price jsonb,
  path text
)
returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  return pgledger.check_json_object(
    price,
    path,
    array[
      'feature', 'model', 'tiers', 'unit_amount', 'flat_amount', 'package_size',
      'package_amount', 'free', 'percentage', 'event_fee', 'event_minimum', 'event_maximum',
      'free_events', 'minimum', 'maximum', 'prorated'
    ]
  );
end;
$$;

comment on function pgledger.check_price_object is
  'Raises InvalidPlan unless the value is an object with no other members than prices have.';

revoke all on function pgledger.check_price_object from public;
