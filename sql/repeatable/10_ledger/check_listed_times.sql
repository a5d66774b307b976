/*
Refuses times of a filter that cannot be times of a transfer. Null is no bound.

Errors: InvalidTime.
*/
create or replace function pgledger.check_listed_times(names text[], times timestamptz[])
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  for v_place in 1..cardinality(names) loop
    if times[v_place] is not null and pgledger.time_fault(times[v_place]) is not null then
      v_ok := pgledger.fail(
        'InvalidTime',
        array[names[v_place], times[v_place]::text, pgledger.time_fault(times[v_place])]
      );
    end if;
  end loop;

  return true;
end;
$$;

comment on function pgledger.check_listed_times is
  'Raises InvalidTime for the first bound of a list that is no time.';

revoke all on function pgledger.check_listed_times from public;
