/*
What usage costs, exactly: an element for each tier that it reaches (`usage`), in order; then one
with what is missing to the minimum (`true_up`) or what is above the maximum (`cap`, negative), if
anything is. The caller knows the price to be sound.

The amount of a usage row is quantity * unit_amount + flat_amount, except for what charges of events
are raised or cut by; what the price does not have is null, and counts as 0. The quantity of
packages is their number. Any usage, zero included, reaches the first tier. A price without tiers is
read as its own single tier: both have their amounts under the same names.

For a price that asks something for each event, events is how many are charged, used what they come
to, and raised and cut by how much their charges are raised and cut to their bounds.
*/
create or replace function pgledger.price_lines(
  price jsonb,
  used numeric,
  events numeric default null,
  raised numeric default 0,
  cut numeric default 0
)
returns pgledger.price_line[]
language plpgsql
immutable
parallel safe
as $$
declare
  v_model text := price ->> 'model';
  v_tiers jsonb := coalesce(nullif(price -> 'tiers', 'null'), jsonb_build_array(price));
  v_tier jsonb;
  v_line pgledger.price_line;
  v_lines pgledger.price_line[] := '{}';
  v_above numeric;
  v_up_to numeric := 0;
  v_total numeric := 0;
  v_to_pack numeric := greatest(used - coalesce((price ->> 'free')::numeric, 0), 0);
  v_size numeric := (price ->> 'package_size')::numeric;
  v_minimum numeric := (price ->> 'minimum')::numeric;
  v_maximum numeric := (price ->> 'maximum')::numeric;
begin
  v_line.kind := 'usage';
  for v_place in 0 .. jsonb_array_length(v_tiers) - 1 loop
    v_tier := v_tiers -> v_place;
    v_above := v_up_to;
    v_up_to := (v_tier ->> 'up_to')::numeric;
    exit when v_place > 0 and used <= v_above;
    continue when v_model = 'volume' and used > v_up_to;

    v_line.description := pgledger.price_description(price, v_above, v_up_to);
    v_line.quantity := case v_model
      when 'volume' then used
      -- Packages begun. div() and mod() are exact; a rounded quotient could be one too low.
      when 'package' then div(v_to_pack, v_size) + sign(mod(v_to_pack, v_size))
      else least(used, v_up_to) - v_above
    end;
    v_line.unit_amount := coalesce(
      (v_tier ->> 'unit_amount')::numeric,
      (v_tier ->> 'package_amount')::numeric,
      (v_tier ->> 'percentage')::numeric * 0.01
    );
    v_line.flat_amount := (v_tier ->> 'flat_amount')::numeric;
    v_line.amount := v_line.quantity * coalesce(v_line.unit_amount, 0)
      + coalesce(v_line.flat_amount, 0);
    v_total := v_total + v_line.amount;
    v_lines := v_lines || v_line;
  end loop;

  if events is not null then
    v_line.flat_amount := null;
    for v_line.description, v_line.quantity, v_line.unit_amount, v_line.amount in
      select part.description, part.quantity, part.unit_amount, part.amount
      from pgledger.event_price_parts(price, events, raised, cut) as part
    loop
      v_total := v_total + v_line.amount;
      v_lines := v_lines || v_line;
    end loop;
  end if;

  v_line := null;
  if v_total < v_minimum then
    v_line.kind := 'true_up';
    v_line.description := 'minimum of ' || trim_scale(v_minimum)::text;
    v_line.amount := v_minimum - v_total;
    v_lines := v_lines || v_line;
  elsif v_total > v_maximum then
    v_line.kind := 'cap';
    v_line.description := 'maximum of ' || trim_scale(v_maximum)::text;
    v_line.amount := v_maximum - v_total;
    v_lines := v_lines || v_line;
  end if;
  return v_lines;
end;
$$;

comment on function pgledger.price_lines is
  'What usage costs by a price, exactly, tier by tier, and what a minimum or maximum adds to it.';

revoke all on function pgledger.price_lines from public;
