/*
What usage costs, exactly, in three sums: that of all tiers, what is missing to the minimum, and
what is above the maximum (0 or less). The caller knows the price to be sound;
pgledger.price_lines says what the events are for.

All of them are multiplied by whole, so that they stay exact where only a part of a whole period is
due: by a price that is prorated, flat amounts and the minimum are due for that part.
*/
create or replace function pgledger.price_amounts(
  price jsonb,
  quantity numeric,
  part numeric default 1,
  whole numeric default 1,
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
declare
  v_part numeric := case when price -> 'prorated' = 'true' then part else whole end;
  v_line pgledger.price_line;
begin
  amount := 0;
  true_up := 0;
  cap := 0;
  foreach v_line in array pgledger.price_lines(price, quantity, events, raised, cut) loop
    if v_line.kind = 'usage' then
      amount := amount + v_line.amount * whole
        - coalesce(v_line.flat_amount, 0) * (whole - v_part);
    elsif v_line.kind = 'true_up' then
      true_up := v_line.amount * whole;
    else
      cap := v_line.amount * whole;
    end if;
  end loop;
  if v_part <> whole then
    true_up := greatest(coalesce((price ->> 'minimum')::numeric, 0) * v_part - amount, 0);
    cap := coalesce(least((price ->> 'maximum')::numeric * whole - amount, 0), 0);
  end if;
end;
$$;

comment on function pgledger.price_amounts is
  'What usage costs by a price, exactly: the usage, and what a minimum or maximum adds to that.';

revoke all on function pgledger.price_amounts from public;
