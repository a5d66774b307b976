/*
What usage of a meter in [starts_at, ends_at) costs by a price, exactly, as pgledger.price_amounts
says it. A price that asks something for each event is computed from how many there are, or, if it
bounds the charges or leaves out the first, from the events themselves. quantity is how much is
charged for: what was used, after an allowance; events how many there are.
*/
create or replace function pgledger.event_price_amounts(
  price jsonb,
  meter_key integer,
  starts_at timestamptz,
  ends_at timestamptz,
  quantity numeric,
  events numeric,
  out amount numeric,
  out true_up numeric,
  out cap numeric
)
language plpgsql
stable
parallel safe
as $$
declare
  v_terms record := pgledger.event_price(price);
  v_sums record;
begin
  if not v_terms.is_by_event then
    v_sums := pgledger.price_amounts(price, event_price_amounts.quantity);
  elsif not v_terms.reads_events then
    v_sums := pgledger.price_amounts(
      price, event_price_amounts.quantity, coalesce(event_price_amounts.events, 0)
    );
  else
    v_sums := pgledger.metered_event_sums(price, meter_key, starts_at, ends_at);
    v_sums := pgledger.price_amounts(
      price, v_sums.quantity, v_sums.events, v_sums.raised, v_sums.cut
    );
  end if;
  amount := v_sums.amount;
  true_up := v_sums.true_up;
  cap := v_sums.cap;
end;
$$;

comment on function pgledger.event_price_amounts is
  'What usage of a meter costs by a price, exactly, where that may ask something for each event.';

revoke all on function pgledger.event_price_amounts from public;
