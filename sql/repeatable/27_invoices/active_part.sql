/*
For which part of a whole period amounts are due that a price has prorated: the days or seconds of
the stays. A day counts if any part of it lies in one. Of a price that is not prorated all of it is
due: 1 of 1.
*/
create or replace function pgledger.active_part(
  basis jsonb,
  stays pgledger.billing_segment[],
  time_zone text,
  out part numeric,
  out whole numeric
)
language plpgsql
stable
parallel safe
as $$
declare
  v_proration text := basis ->> 'proration';
  v_microsecond constant interval := interval '1 microsecond';
  v_stay pgledger.billing_segment;
  v_since numeric;
  v_until numeric := 0;
begin
  part := 1;
  whole := 1;
  if (basis #>> '{price,prorated}')::boolean is not true or cardinality(stays) = 0 then
    return;
  end if;
  part := 0;
  foreach v_stay in array stays loop
    whole := pgledger.proration_unit(
      v_stay.whole_end, v_stay.whole_start, v_stay.whole_end, time_zone, v_proration
    );
    v_since := greatest(
      v_until,
      pgledger.proration_unit(
        v_stay.starts_at, v_stay.whole_start, v_stay.whole_end, time_zone, v_proration
      )
    );
    v_until := case
      when v_proration = 'second' then pgledger.proration_unit(
        v_stay.ends_at, v_stay.whole_start, v_stay.whole_end, time_zone, v_proration
      )
      else least(
        whole,
        1 + pgledger.proration_unit(
          v_stay.ends_at - v_microsecond, v_stay.whole_start, v_stay.whole_end, time_zone,
          v_proration
        )
      )
    end;
    part := part + greatest(v_until - v_since, 0);
    v_until := greatest(v_until, v_since);
  end loop;
end;
$$;

comment on function pgledger.active_part is
  'For which part of a whole period amounts are due that a price has prorated.';

revoke all on function pgledger.active_part from public;
