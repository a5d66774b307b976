/*
For each of the given requests the number of its run. A request begins a new run if an earlier one
of the run has its id or its key.
*/
create or replace function pgledger.run_numbers(
  ids text[],
  idempotency_keys text[],
  places integer[]
)
returns integer[]
language plpgsql
stable
parallel safe
as $$
declare
  v_number integer := 1;
  v_first_place integer := 0;
  v_numbers integer[];
  v_request record;
begin
  if ids is null and idempotency_keys is null then
    return array_fill(1, array[cardinality(places)]);
  end if;

  for v_request in
    select
      request.place,
      greatest(
        case
          when ids[request.place] is not null
            then lag(request.place) over (partition by ids[request.place] order by request.place)
        end,
        case
          when idempotency_keys[request.place] is not null
            then lag(request.place) over (
              partition by idempotency_keys[request.place] order by request.place
            )
        end
      ) as earlier_place
    from unnest(places) as request (place)
    order by request.place
  loop
    if v_request.earlier_place >= v_first_place then
      v_number := v_number + 1;
      v_first_place := v_request.place;
    end if;
    v_numbers := v_numbers || v_number;
  end loop;

  return v_numbers;
end;
$$;

comment on function pgledger.run_numbers is
  'Numbers of the runs in which requests are made, none of which has an id or a key twice.';

revoke all on function pgledger.run_numbers from public;
