/*
The active time of a period in seconds, which is that of all its stays, and where each of a plan's
own stays begins and ends in it.
*/
create or replace function pgledger.active_time(
  stays pgledger.billing_segment[],
  own_stays pgledger.billing_segment[],
  out sinces numeric[],
  out untils numeric[],
  out whole numeric
)
language plpgsql
immutable
parallel safe
as $$
declare
  v_stay pgledger.billing_segment;
  v_until numeric;
begin
  sinces := '{}';
  untils := '{}';
  whole := 0;
  foreach v_stay in array stays loop
    v_until := whole + extract(epoch from v_stay.ends_at - v_stay.starts_at);
    if v_stay = any(own_stays) then
      sinces := sinces || whole;
      untils := untils || v_until;
    end if;
    whole := v_until;
  end loop;
end;
$$;

comment on function pgledger.active_time is
  'The active time of a period in seconds, and where a plan''s own stays lie in it.';

revoke all on function pgledger.active_time from public;
