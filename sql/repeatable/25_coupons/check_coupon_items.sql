/*
Refuses a list of lines that a coupon cannot reduce. A line is named by the key of a feature, by
base, or by any text that an app gives a one-off line, so nothing is looked up.

Errors: InvalidArgument.
*/
create or replace function pgledger.check_coupon_items(applies_to text[])
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_item record;
  v_ok boolean;
begin
  if array_ndims(applies_to) > 1 then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array['applies_to', format('of %s dimensions', array_ndims(applies_to)), 'it is not a list']
    );
  elsif cardinality(applies_to) not between 1 and 100 then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'applies_to',
        format('of %s elements', cardinality(applies_to)),
        'it does not have 1 to 100 of them; leave it out for the whole invoice'
      ]
    );
  end if;

  for v_item in
    select
      item.value,
      coalesce(
        pgledger.text_fault(item.value, 1, 255, true),
        case
          when row_number() over (partition by item.value order by item.place) > 1
            then 'it is given twice'
        end
      ) as fault
    from unnest(applies_to) with ordinality as item (value, place)
    order by item.place
  loop
    if v_item.fault is not null then
      v_ok := pgledger.fail(
        'InvalidArgument',
        array['applies_to', quote_nullable(pgledger.abridged(v_item.value)), v_item.fault]
      );
    end if;
  end loop;

  return true;
end;
$$;

comment on function pgledger.check_coupon_items is
  'Raises InvalidArgument unless these are null or 1 to 100 different texts that name lines.';

revoke all on function pgledger.check_coupon_items from public;
