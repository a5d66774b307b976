/*
What usage of a meter in [starts_at, ends_at) costs by a price that asks something for each event,
multiplied by whole as in pgledger.price_amounts; quantity is what is charged for. A fee alone is
computed from how many events there are; what bounds charges or leaves out the first events, from
the events themselves.
*/
create or replace function pgledger.event_cost(
  price jsonb,
  meter_key integer,
  starts_at timestamptz,
  ends_at timestamptz,
  part numeric,
  whole numeric,
  out quantity numeric,
  out amount numeric
)
language plpgsql
stable
parallel safe
as $$
declare
  v_sums record;
begin
  if (pgledger.event_price(price)).reads_events then
    v_sums := pgledger.metered_event_sums(price, meter_key, starts_at, ends_at);
  else
    select
      coalesce(sum(sums.events), 0) as events, coalesce(sum(sums.quantity), 0) as quantity,
      0::numeric as raised, 0::numeric as cut
    into v_sums
    from pgledger.usage_sums(array[meter_key], starts_at, ends_at) as sums;
  end if;
  quantity := v_sums.quantity;
  amount := (
    pgledger.price_amounts(
      price, v_sums.quantity, part, whole, v_sums.events, v_sums.raised, v_sums.cut
    )
  ).amount;
end;
$$;

comment on function pgledger.event_cost is
  'What usage of a meter costs by a price that asks something for each event.';

revoke all on function pgledger.event_cost from public;
