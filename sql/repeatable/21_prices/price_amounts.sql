/*
What usage costs, exactly, in three sums: that of all tiers, what is missing to the minimum, and
what is above the maximum (0 or less). The caller knows the price to be sound;
pgledger.price_lines says what the events are for.
*/
create or replace function pgledger.price_amounts(
  price jsonb,
  quantity numeric,
  events numeric default null,
  raised numeric default 0,
  cut numeric default 0,
  out amount numeric,
  out true_up numeric,
  out cap numeric
)
language plpgsql
immutable
parallel safe
as $$
begin
  select
    coalesce(sum(line.amount) filter (where line.kind = 'usage'), 0),
    coalesce(sum(line.amount) filter (where line.kind = 'true_up'), 0),
    coalesce(sum(line.amount) filter (where line.kind = 'cap'), 0)
  into price_amounts.amount, price_amounts.true_up, price_amounts.cap
  from pgledger.price_lines(price, quantity, events, raised, cut) as line;
end;
$$;

comment on function pgledger.price_amounts is
  'What usage costs by a price, exactly: the usage, and what a minimum or maximum adds to that.';

revoke all on function pgledger.price_amounts from public;
