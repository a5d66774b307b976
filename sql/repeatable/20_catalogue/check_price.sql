/*
Refuses a price whose model is not known, that lacks what its model needs, or that has what its
model ignores. The caller checks its feature.

Errors: InvalidPlan.
*/
create or replace function pgledger.check_price(
  price jsonb,
  path text
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_model text := pgledger.json_choice(
    price,
    path,
    'model',
    array[
      'flat', 'per_unit', 'package', 'percentage', 'graduated', 'volume', 'graduated_percentage'
    ],
    required => true
  );
  v_optional text[] := case v_model
    when 'package' then array['free']
    when 'percentage'
      then array['flat_amount', 'event_fee', 'event_minimum', 'event_maximum', 'free_events']
    else '{}'
  end;
  v_members text[] := case v_model
    when 'flat' then array['flat_amount']
    when 'per_unit' then array['unit_amount']
    when 'package' then array['package_size', 'package_amount']
    when 'percentage' then array['percentage']
    else array['tiers']
  end || v_optional;
  v_others jsonb;
  v_member text;
  v_number numeric;
  v_ok boolean;
begin
  v_others := jsonb_strip_nulls(
    price - (v_members || array['feature', 'model', 'minimum', 'maximum', 'prorated'])
  );
  if v_others <> '{}' then
    v_member := (
      select min(given.name collate "C")
      from jsonb_object_keys(v_others) as given (name)
    );
    v_ok := pgledger.refuse_json(
      null, pgledger.json_path(path, v_member), format('is not part of the model %s', v_model)
    );
  elsif v_members = array['tiers'] then
    if nullif(price -> 'tiers', 'null') is null then
      v_ok := pgledger.refuse_json(null, path || '.tiers', 'is missing');
    end if;
    v_ok := pgledger.check_price_tiers(price -> 'tiers', path || '.tiers', v_model);
    v_members := '{}';
  end if;

  foreach v_member in array v_members loop
    -- Read before it is looked at: a condition need not be evaluated as far as the call.
    v_number := pgledger.json_decimal(
      price,
      path,
      v_member,
      required => v_member <> all(v_optional),
      maximum => case when v_member = 'percentage' then 100 end
    );
    if v_member = 'package_size' and v_number = 0 then
      v_ok := pgledger.refuse_json(
        price -> 'package_size', path || '.package_size', 'is not above 0'
      );
    end if;
  end loop;

  return pgledger.check_price_bounds(price, path);
end;
$$;

comment on function pgledger.check_price is
  'Raises InvalidPlan unless a price has a known model and just what that needs.';

revoke all on function pgledger.check_price from public;
