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
  perform pgledger.json_decimal(
    price, path, 'maximum', minimum => coalesce(pgledger.json_decimal(price, path, 'minimum'), 0)
  );

  return true;
end;
$$;

comment on function pgledger.check_price_bounds is
  'Raises InvalidPlan unless what a price asks for events, and its bounds, are sound.';

revoke all on function pgledger.check_price_bounds from public;
