/*
Refuses parallel arrays that do not have one dimension and one length, or that have more than
100,000 elements. The length of the first array counts. The first arrays, as many as `required`
says, must be given; the others may be null.
Errors: InvalidBatch, BatchTooLarge.
*/
create or replace function pgledger.check_arrays(
  names text[],
  sizes bigint[],
  dimensions integer[],
  required integer
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  for v_place in 1..cardinality(names) loop
    if sizes[v_place] is null then
      if v_place <= required then
        v_ok := pgledger.fail('InvalidBatch', array[names[v_place] || ' must not be null']);
      end if;
    elsif dimensions[v_place] > 1 then
      v_ok := pgledger.fail(
        'InvalidBatch', array[format('%s has %s dimensions', names[v_place], dimensions[v_place])]
      );
    elsif sizes[v_place] <> sizes[1] then
      v_ok := pgledger.fail(
        'InvalidBatch',
        array[
          format('%s has %s elements, %s %s', names[v_place], sizes[v_place], names[1], sizes[1])
        ]
      );
    end if;
  end loop;
  if sizes[1] > 100000 then
    v_ok := pgledger.fail('BatchTooLarge', array[sizes[1]::text, '100000']);
  end if;

  return true;
end;
$$;

comment on function pgledger.check_arrays is
  'Raises InvalidBatch or BatchTooLarge unless parallel arrays have one length and one dimension.';

revoke all on function pgledger.check_arrays from public;
