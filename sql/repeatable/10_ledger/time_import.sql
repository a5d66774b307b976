/*
Works out when each transfer that is to be imported was recorded: at its own created_at, or, where
that is not later than what was before on one of its accounts, a microsecond after that. What is
lifted so may lift what follows on the other account. So transfers are taken in an order in which
each comes after those before it on both accounts, once each. Transfers that no such order reaches,
because each waits for another, get no time.

The loop compares numbers and times in arrays of fixed width: a step costs the same however many
transfers there are.
*/
create or replace function pgledger.time_import()
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  c_microsecond constant interval := '1 microsecond';
  v_times timestamptz[];
  v_waits integer[];
  v_after_from integer[];
  v_after_to integer[];
  v_ready integer[];
  v_head integer := 0;
  v_tail integer;
  v_place integer;
  v_next integer;
  v_time timestamptz;
begin
  -- Numbers may have gaps: these wait for ever.
  select
    array_agg(moved.earliest_at), array_agg(moved.waits), array_agg(moved.after_from),
    array_agg(moved.after_to)
  into v_times, v_waits, v_after_from, v_after_to
  from (
    select
      greatest(leg_from.earliest_at, leg_to.earliest_at) as earliest_at,
      (leg_from.place > 1)::integer + (leg_to.place > 1)::integer as waits,
      leg_from.next_transfer_number::integer as after_from,
      leg_to.next_transfer_number::integer as after_to
    from generate_series(
      1, (select max(import_legs.transfer_number) from pgledger.import_legs)
    ) as given (number)
    left join pgledger.import_legs as leg_from
      on given.number = leg_from.transfer_number and not leg_from.is_to
    left join pgledger.import_legs as leg_to
      on given.number = leg_to.transfer_number and leg_to.is_to
    order by given.number
  ) as moved;

  v_ready := array(
    select given.place
    from unnest(v_waits) with ordinality as given (waits, place)
    where given.waits = 0
    order by given.place
  );
  v_tail := cardinality(v_ready);

  while v_head < v_tail loop
    v_head := v_head + 1;
    v_place := v_ready[v_head];
    v_time := v_times[v_place] + c_microsecond;
    foreach v_next in array array[v_after_from[v_place], v_after_to[v_place]] loop
      continue when v_next is null;
      if v_times[v_next] < v_time then
        v_times[v_next] := v_time;
      end if;
      v_waits[v_next] := v_waits[v_next] - 1;
      if v_waits[v_next] = 0 then
        v_tail := v_tail + 1;
        v_ready[v_tail] := v_next;
      end if;
    end loop;
  end loop;

  insert into pgledger.import_times (transfer_number, recorded_at)
  select given.place, given.recorded_at
  from unnest(v_times, v_waits) with ordinality as given (recorded_at, waits, place)
  where given.waits = 0;
  analyze pgledger.import_times;
end;
$$;

comment on function pgledger.time_import is
  'Works out when each transfer that is to be imported was recorded, later than those before it.';

revoke all on function pgledger.time_import from public;
