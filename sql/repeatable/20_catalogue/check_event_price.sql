/*
Refuses bounds of a charge for each event that exclude each other, a number of free events that is
none, and a maximum for the period beside anything for each event: which event would be cut is not
said. The caller has checked that the members are numbers.

Errors: InvalidPlan.
*/
create or replace function pgledger.check_event_price(
  price jsonb,
  path text
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_members constant text[] := array[
    'event_fee', 'event_minimum', 'event_maximum', 'free_events'
  ];
  v_free numeric := pgledger.json_decimal(price, path, 'free_events', maximum => 1000000000);
  v_minimum numeric;
  v_maximum numeric;
  v_ok boolean;
begin
  v_minimum := pgledger.json_decimal(price, path, 'event_minimum');
  v_maximum := pgledger.json_decimal(
    price, path, 'event_maximum', minimum => coalesce(v_minimum, 0)
  );
  if v_free <> trunc(v_free) then
    v_ok := pgledger.refuse_json(
      price -> 'free_events', path || '.free_events', 'is not a whole number'
    );
  elsif nullif(price -> 'maximum', 'null') is not null
    and jsonb_strip_nulls(price) ?| v_members then
    v_ok := pgledger.refuse_json(
      price -> 'maximum',
      path || '.maximum',
      'is for the period, and the price is for each event: bound these by event_maximum'
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_event_price is
  'Raises InvalidPlan unless what a price asks for each event is sound.';

revoke all on function pgledger.check_event_price from public;
