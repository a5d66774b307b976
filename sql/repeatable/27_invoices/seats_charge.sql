/*
What seats cost by a price in the stays of a period on the price's plan, rounded: each number of
seats its share of the period, by the days or seconds for which so many were taken. Seats that were
never reported are 0, and a price may ask something for these, too. What a minimum or a maximum
makes of it is rounded as a whole, so that with it seats come to exactly that.
*/
create or replace function pgledger.seats_charge(
  basis jsonb,
  meter_key integer,
  stays pgledger.billing_segment[],
  time_zone text,
  exponent integer,
  out quantity numeric,
  out amount numeric,
  out true_up numeric,
  out cap numeric
)
language sql
stable
parallel safe
as $$
  select
    coalesce(
      trim_scale(round(sum(seats.level * (seats.until - seats.since) / seats.length), 6)), 0
    ),
    coalesce(
      sum(pgledger.prorated(cost.amount, seats.since, seats.until, seats.length, exponent)), 0
    ),
    coalesce(
      sum(
        pgledger.prorated(
          cost.amount + cost.true_up, seats.since, seats.until, seats.length, exponent
        )
        - pgledger.prorated(cost.amount, seats.since, seats.until, seats.length, exponent)
      ),
      0
    ),
    coalesce(
      sum(
        pgledger.prorated(
          cost.amount + cost.cap, seats.since, seats.until, seats.length, exponent
        )
        - pgledger.prorated(cost.amount, seats.since, seats.until, seats.length, exponent)
      ),
      0
    )
  from (
    select
      greatest(
        level.level - coalesce((basis ->> 'allowance')::numeric, 0)
        - coalesce((basis ->> 'added_allowance')::numeric, 0),
        0
      ) as level,
      level.since, level.until, whole.length
    from unnest(stays) as stay
    cross join lateral pgledger.seat_levels(
      meter_key, stay.starts_at, stay.ends_at, stay.whole_start, stay.whole_end, time_zone,
      basis ->> 'proration'
    ) as level
    cross join lateral pgledger.proration_unit(
      stay.whole_end, stay.whole_start, stay.whole_end, time_zone, basis ->> 'proration'
    ) as whole (length)
  ) as seats
  cross join lateral pgledger.price_amounts(basis -> 'price', seats.level) as cost
$$;

comment on function pgledger.seats_charge is
  'What seats cost by a price in the stays of a period on the price''s plan.';

revoke all on function pgledger.seats_charge from public;
