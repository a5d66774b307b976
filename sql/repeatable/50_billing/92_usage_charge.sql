/*
What usage of a feature in a part of a period costs by a price, rounded, the price's minimum and
maximum apart; how much is charged, what usage has come to since counted_from, and of how many
events in that part.

Usage counts from the start of the period, and the part is charged what its usage adds: the price of
all until its end less the price of all until its start. So a change of plan neither begins tiers
and allowances again nor charges anything twice. What a price asks for no usage at all is part of
what the first part costs.

Seats are charged by the time for which they are taken, each day or second its share of the period.
*/
create or replace function pgledger.usage_charge(
  basis jsonb,
  meter_key integer,
  unique_key text,
  counted_from timestamptz,
  segment pgledger.billing_segment,
  time_zone text,
  exponent integer,
  out quantity numeric,
  out amount numeric,
  out true_up numeric,
  out cap numeric,
  out counted numeric,
  out events bigint
)
language plpgsql
stable
parallel safe
as $$
declare
  v_aggregation text := basis ->> 'aggregation';
  v_allowance numeric := coalesce((basis ->> 'allowance')::numeric, 0);
  v_before numeric := 0;
  v_start record;
  v_end record;
begin
  counted := 0;
  events := 0;
  if meter_key is null then
    null;
  elsif v_aggregation in ('sum', 'count', 'max') then
    select total.value, total.events
    into usage_charge.counted, usage_charge.events
    from pgledger.usage_counted(meter_key, v_aggregation, counted_from, segment.ends_at) as total;
  else
    counted := pgledger.usage_between(
      meter_key, unique_key, v_aggregation, counted_from, segment.ends_at
    );
    events := pgledger.usage_between(
      meter_key, null, 'count', counted_from, segment.ends_at
    );
  end if;
  if segment.starts_at > counted_from and meter_key is not null then
    v_before := pgledger.usage_between(
      meter_key, unique_key, v_aggregation, counted_from, segment.starts_at
    );
    events := events - pgledger.usage_between(
      meter_key, null, 'count', counted_from, segment.starts_at
    );
  end if;

  if basis ->> 'type' = 'seat' then
    select
      coalesce(round(sum(level.level * (level.until - level.since) / whole.length), 6), 0),
      coalesce(
        sum(pgledger.prorated(cost.amount, level.since, level.until, whole.length, exponent)), 0
      ),
      coalesce(
        sum(pgledger.prorated(cost.true_up, level.since, level.until, whole.length, exponent)), 0
      ),
      coalesce(
        sum(pgledger.prorated(cost.cap, level.since, level.until, whole.length, exponent)), 0
      )
    into usage_charge.quantity, usage_charge.amount, usage_charge.true_up, usage_charge.cap
    from (
      select
        pgledger.proration_unit(
          segment.whole_end, segment.whole_start, segment.whole_end, time_zone,
          basis ->> 'proration'
        ) as length
    ) as whole
    cross join lateral pgledger.seat_levels(
      meter_key, segment.starts_at, segment.ends_at, segment.whole_start, segment.whole_end,
      time_zone, basis ->> 'proration'
    ) as seats
    cross join lateral (
      select greatest(seats.level - v_allowance, 0) as level, seats.since, seats.until
    ) as level
    cross join lateral pgledger.price_amounts(basis -> 'price', level.level) as cost;
    return;
  end if;

  quantity := greatest(counted - v_allowance, 0);
  v_end := pgledger.price_amounts(basis -> 'price', quantity);
  amount := round(v_end.amount, exponent);
  true_up := round(v_end.amount + v_end.true_up, exponent) - amount;
  cap := round(v_end.amount + v_end.cap, exponent) - amount;
  if segment.starts_at > counted_from then
    v_start := pgledger.price_amounts(basis -> 'price', greatest(v_before - v_allowance, 0));
    quantity := quantity - greatest(v_before - v_allowance, 0);
    true_up := true_up
      - (round(v_start.amount + v_start.true_up, exponent) - round(v_start.amount, exponent));
    cap := cap - (round(v_start.amount + v_start.cap, exponent) - round(v_start.amount, exponent));
    amount := amount - round(v_start.amount, exponent);
  end if;
end;
$$;

comment on function pgledger.usage_charge is
  'What usage of a feature in a part of a period costs by a price.';

revoke all on function pgledger.usage_charge from public;
