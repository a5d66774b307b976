/*
Refuses tiers that leave a quantity without a price, or give it two. The last tier is unbounded, and
every other one ends above the one before.

Errors: InvalidPlan.
*/
create or replace function pgledger.check_price_tiers(
  tiers jsonb,
  path text,
  model text
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_rate text := case when model = 'graduated_percentage' then 'percentage' else 'unit_amount' end;
  v_tier jsonb;
  v_is_last boolean;
  v_path text;
  v_bound numeric;
  v_amounts integer;
  v_last numeric := 0;
  v_ok boolean;
begin
  v_ok := pgledger.check_json_array(tiers, path);

  if jsonb_array_length(tiers) = 0 then
    v_ok := pgledger.refuse_json(tiers, path, 'is empty: there must be one tier at least');
  end if;

  for v_place in 0 .. jsonb_array_length(tiers) - 1 loop
    v_tier := tiers -> v_place;
    v_is_last := v_place = jsonb_array_length(tiers) - 1;
    v_path := format('%s[%s]', path, v_place);
    v_ok := pgledger.check_json_object(v_tier, v_path, array['up_to', v_rate, 'flat_amount']);
    v_bound := pgledger.json_decimal(v_tier, v_path, 'up_to');

    if v_is_last and v_bound is not null then
      v_ok := pgledger.refuse_json(
        v_tier -> 'up_to',
        v_path || '.up_to',
        'bounds the last tier, which must be unbounded: leave it out'
      );
    elsif not v_is_last and v_bound is null then
      v_ok := pgledger.refuse_json(
        null, v_path || '.up_to', 'is missing: only the last tier is unbounded'
      );
    elsif v_bound <= v_last then
      v_ok := pgledger.refuse_json(
        v_tier -> 'up_to',
        v_path || '.up_to',
        case
          when v_last = 0 then 'is not above 0'
          else format('is not above %s, where the tier before ends', v_last)
        end
      );
    end if;

    v_amounts := num_nonnulls(
      pgledger.json_decimal(
        v_tier,
        v_path,
        v_rate,
        maximum => case when v_rate = 'percentage' then 100 end
      ),
      pgledger.json_decimal(v_tier, v_path, 'flat_amount')
    );
    if v_amounts = 0 then
      v_ok := pgledger.refuse_json(
        v_tier, v_path, format('has neither %s nor flat_amount', v_rate)
      );
    end if;

    v_last := v_bound;
  end loop;

  return true;
end;
$$;

comment on function pgledger.check_price_tiers is
  'Raises InvalidPlan unless tiers cover every quantity once, in ascending order.';

revoke all on function pgledger.check_price_tiers from public;
