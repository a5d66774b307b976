/*
What the events in stays cost by a price that asks something for each event, rounded: the cost of
all events until the end of each stay, less that of those until its start, so that a stay costs what
its own events do, and the first events of the period are free whichever plan they were used on.
What the price asks without any usage is the first plan's.
*/
create or replace function pgledger.charge_by_events(
  price jsonb,
  meter_key integer,
  stays pgledger.billing_segment[],
  counted_from timestamptz,
  is_first boolean,
  part numeric,
  whole numeric,
  exponent integer,
  out quantity numeric,
  out amount numeric,
  out cap numeric
)
language plpgsql
stable
parallel safe
as $$
declare
  v_edge record;
  v_cost record;
begin
  quantity := 0;
  amount := round(0::numeric, exponent);
  cap := amount;
  for v_edge in
    select edge.at, edge.sign
    from unnest(stays) as stay
    cross join lateral (values (stay.ends_at, 1), (stay.starts_at, -1)) as edge (at, sign)
    union all
    select charge_by_events.counted_from, 1
    where is_first and cardinality(stays) > 0
  loop
    v_cost := pgledger.event_cost(price, meter_key, counted_from, v_edge.at, part, whole);
    quantity := quantity + v_edge.sign * v_cost.quantity;
    amount := amount
      + v_edge.sign * pgledger.rounded_quotient(v_cost.amount, whole, exponent);
  end loop;
end;
$$;

comment on function pgledger.charge_by_events is
  'What the events in stays cost by a price that asks something for each event.';

revoke all on function pgledger.charge_by_events from public;
