/*
What a metered feature comes to by a price in the stays of its plan (own_stays), rounded; minimum is
what the price asks at least, or null. sinces and untils are what had been used at the start and end
of each of these, and whole is all that was used in the period. stays are those of all plans.

Where all usage decides about the price of each unit, or where there is a level, the plan bills a
share of the whole cost: no order of plans then makes usage free or bills it twice. Without any
usage there is nothing to share by, and what the price asks is the first plan's.
*/
create or replace function pgledger.metered_charge(
  price pgledger.priced_feature,
  stays pgledger.billing_segment[],
  own_stays pgledger.billing_segment[],
  counted_from timestamptz,
  whole numeric,
  sinces numeric[],
  untils numeric[],
  is_first boolean,
  time_zone text,
  exponent integer,
  out quantity numeric,
  out amount numeric,
  out cap numeric,
  out minimum numeric
)
language plpgsql
stable
parallel safe
as $$
declare
  v_terms jsonb := price.basis -> 'price';
  v_free numeric := coalesce((price.basis ->> 'allowance')::numeric, 0)
    + coalesce((price.basis ->> 'added_allowance')::numeric, 0);
  v_part record := pgledger.active_part(price.basis, stays, time_zone);
  v_total numeric := whole;
  v_time record;
  v_charge record;
begin
  minimum := pgledger.rounded_quotient(
    (v_terms ->> 'minimum')::numeric * v_part.part, v_part.whole, exponent
  );
  if price.basis ->> 'aggregation' in ('max', 'latest') then
    if cardinality(stays) = 1 and cardinality(untils) = 1
      and stays[1].starts_at = counted_from then
      v_total := untils[1];
    else
      v_total := pgledger.usage_level(
        price.meter_key, price.basis ->> 'aggregation', stays
      );
    end if;
    v_time := pgledger.active_time(stays, own_stays);
    sinces := v_time.sinces;
    untils := v_time.untils;
    whole := v_time.whole;
  elsif v_terms ?| array['event_fee', 'event_minimum', 'event_maximum', 'free_events']
    and (pgledger.event_price(v_terms)).is_by_event then
    v_charge := pgledger.charge_by_events(
      v_terms, price.meter_key, own_stays, counted_from, is_first, v_part.part, v_part.whole,
      exponent
    );
    quantity := v_charge.quantity;
    amount := v_charge.amount;
    cap := v_charge.cap;
    return;
  elsif whole = 0 or (
    v_terms ->> 'model' not in ('volume', 'package')
    and v_terms ->> 'maximum' is null
  ) then
    v_charge := pgledger.charge_by_difference(
      v_terms, v_free, sinces, untils, is_first, v_part.part, v_part.whole, exponent
    );
    quantity := v_charge.quantity;
    amount := v_charge.amount;
    cap := v_charge.cap;
    return;
  end if;
  v_charge := pgledger.charge_by_share(
    v_terms, greatest(v_total - v_free, 0), sinces, untils, whole, v_part.part, v_part.whole,
    exponent
  );
  quantity := v_charge.quantity;
  amount := v_charge.amount;
  cap := v_charge.cap;
end;
$$;

comment on function pgledger.metered_charge is
  'What a metered feature comes to by a price in the stays of the price''s plan.';

revoke all on function pgledger.metered_charge from public;
