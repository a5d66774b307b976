/*
Refuses what every price may have, if it is wrong: what is asked for each event, whether amounts are
prorated, and bounds of what the price comes to.

Errors: InvalidPlan.
*/
create or replace function pgledger.check_price_bounds(
  price jsonb,
  path text
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_minimum numeric;
  v_maximum numeric;
  v_ok boolean;
begin
  v_ok := pgledger.check_event_price(price, path);
  if jsonb_typeof(price -> 'prorated') not in ('boolean', 'null') then
    v_ok := pgledger.refuse_json(
      price -> 'prorated',
      path || '.prorated',
      format('is of type %s, not a boolean', jsonb_typeof(price -> 'prorated'))
    );
  end if;
  v_minimum := pgledger.json_decimal(price, path, 'minimum');
  v_maximum := pgledger.json_decimal(
    price, path, 'maximum', minimum => coalesce(v_minimum, 0)
  );

  return true;
end;
$$;

comment on function pgledger.check_price_bounds is
  'Raises InvalidPlan unless what a price asks for events, and its bounds, are sound.';

revoke all on function pgledger.check_price_bounds from public;
