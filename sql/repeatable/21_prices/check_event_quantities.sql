/*
Refuses quantities of events that are missing where a price asks something for each event, that are
given for another price, or that do not come to the quantity. The caller has checked the price.

Errors: InvalidPlan, InvalidArgument.
*/
create or replace function pgledger.check_event_quantities(
  price jsonb,
  quantity numeric,
  allowance numeric,
  event_quantities jsonb
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_path constant text := '$.event_quantities';
  v_quantity record;
  v_sum numeric := 0;
  v_fault text;
  v_ok boolean;
begin
  if event_quantities is not null then
    v_ok := pgledger.check_json_size(event_quantities, v_path, false);
    v_ok := pgledger.check_json_array(event_quantities, v_path);
    for v_quantity in
      select event.value, event.place, pgledger.decimal_fault(event.value) as fault
      from jsonb_array_elements(event_quantities) with ordinality as event (value, place)
      order by event.place
    loop
      if v_quantity.fault is not null or v_quantity.value #>> '{}' ~ '^-' then
        v_ok := pgledger.refuse_json(
          v_quantity.value,
          format('%s[%s]', v_path, v_quantity.place - 1),
          coalesce(v_quantity.fault, 'is below 0')
        );
      end if;
      v_sum := v_sum + (v_quantity.value #>> '{}')::numeric;
    end loop;
    v_ok := pgledger.check_json_size(event_quantities, v_path, true);
  end if;

  v_fault := case
    when not (pgledger.event_price(price)).is_by_event then
      case when event_quantities is not null then 'the price asks nothing for each event' end
    when event_quantities is null then 'the price asks something for each event'
    when v_sum <> quantity then format(
      'they come to %s, and the quantity is %s', pgledger.abridged(v_sum::text),
      pgledger.abridged(quantity::text)
    )
    when allowance > 0 then 'such a price has free events, and no allowance'
  end;
  if v_fault is not null then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'event_quantities', coalesce(pgledger.abridged(event_quantities::text), 'null'), v_fault
      ]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_event_quantities is
  'Raises an error unless quantities of events are given just where a price needs them.';

revoke all on function pgledger.check_event_quantities from public;
