/*
Refuses an amount that cannot be split so: the order of the checks is that of the arguments, with
scale before the amount, which depends on it.

Errors: NullArgument, InvalidBatch, BatchTooLarge, InvalidArgument, InvalidAmount.
*/
create or replace function pgledger.check_allocation(
  amount numeric,
  weights numeric[],
  scale integer
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text;
  v_place bigint;
  v_weight numeric;
  v_ok boolean;
begin
  if scale is null then
    v_ok := pgledger.fail('NullArgument', array['scale']);
  elsif scale not between 0 and 18 then
    v_ok := pgledger.fail(
      'InvalidArgument', array['scale', scale::text, 'it is not between 0 and 18']
    );
  end if;

  v_fault := case
    when amount is null then pgledger.amount_fault(amount)
    when pgledger.limit_fault(amount) is not null then pgledger.limit_fault(amount)
    when min_scale(amount) > scale
      then format('it has %s decimal places, and the parts have %s', min_scale(amount), scale)
  end;
  if v_fault is not null then
    v_ok := pgledger.fail(
      'InvalidAmount',
      array[coalesce(pgledger.abridged(amount::text), 'null'), v_fault],
      hint => 'Round the amount first, or give the parts more decimal places.'
    );
  end if;

  v_ok := pgledger.check_arrays(
    array['weights'], array[cardinality(weights)], array[array_ndims(weights)], 1
  );
  select
    weight.place,
    weight.value,
    case
      when weight.value is null then 'it is null'
      when weight.value < 0 then 'it is negative'
      else pgledger.amount_fault(weight.value)
    end
  into v_place, v_weight, v_fault
  from unnest(weights) with ordinality as weight (value, place)
  where (weight.value = 0 or pgledger.amount_fault(weight.value) is null) is not true
  order by weight.place
  limit 1;
  if found then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        format('weights[%s]', v_place), coalesce(pgledger.abridged(v_weight::text), 'null'), v_fault
      ]
    );
  elsif (0 < any(weights)) is not true then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array['weights', pgledger.abridged(weights::text), 'none of them is above zero']
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_allocation is
  'Raises what is wrong with an amount, weights and a scale to split it by.';

revoke all on function pgledger.check_allocation from public;
