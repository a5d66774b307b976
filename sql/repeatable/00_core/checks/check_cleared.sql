/*
Refuses names of values to be taken away that are none of those that can be, and such whose value is
given as well. given has a member for each value that can be taken away: what the call gives for it,
or null.

Errors: InvalidArgument.
*/
create or replace function pgledger.check_cleared(
  clear text[],
  given jsonb
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_name text;
  v_fault text;
  v_ok boolean;
begin
  foreach v_name in array coalesce(clear, '{}') loop
    v_fault := case
      when v_name is null then 'an element is null'
      when given -> v_name is null then format(
        '%L is none of %s',
        pgledger.abridged(v_name),
        (
          select string_agg(field.name, ', ' order by field.name collate "C")
          from jsonb_object_keys(given) as field (name)
        )
      )
      when given -> v_name <> 'null' then format('%s is given as well', v_name)
    end;
    if v_fault is not null then
      v_ok := pgledger.fail(
        'InvalidArgument', array['clear', pgledger.abridged(clear::text), v_fault]
      );
    end if;
  end loop;

  return true;
end;
$$;

comment on function pgledger.check_cleared is
  'Raises InvalidArgument unless each name is of a value that can be taken away and is not given.';

revoke all on function pgledger.check_cleared from public;
