/*
The stays of a period, in order: the parts in which the subscription was active, put together while
the plan stays, whatever the quantity. Usage is charged in stays only: what is used in a trial, in a
pause and after the end costs nothing.
*/
create or replace function pgledger.billing_stays(segments pgledger.billing_segment[])
returns pgledger.billing_segment[]
language plpgsql
immutable
parallel safe
as $$
declare
  v_segment pgledger.billing_segment;
  v_stays pgledger.billing_segment[] := '{}';
  v_count integer := 0;
begin
  foreach v_segment in array segments loop
    continue when v_segment.status <> 'active';
    if v_count > 0 and v_stays[v_count].plan_key = v_segment.plan_key
      and v_stays[v_count].ends_at = v_segment.starts_at then
      v_stays[v_count].ends_at := v_segment.ends_at;
    else
      v_stays := v_stays || v_segment;
      v_count := v_count + 1;
    end if;
  end loop;
  return v_stays;
end;
$$;

comment on function pgledger.billing_stays is
  'When in a period which plan was billed for usage, out of the period''s parts.';

revoke all on function pgledger.billing_stays from public;
