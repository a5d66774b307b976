/*
When in a period, out of the period's parts, a plan was entered first, whatever the status; null if
it was not.
*/
create or replace function pgledger.plan_entered_at(
  segments pgledger.billing_segment[],
  plan_key bigint
)
returns timestamptz
language plpgsql
immutable
parallel safe
as $$
declare
  v_segment pgledger.billing_segment;
  v_at timestamptz;
begin
  foreach v_segment in array segments loop
    if v_segment.plan_key = plan_entered_at.plan_key then
      v_at := least(v_at, v_segment.starts_at);
    end if;
  end loop;
  return v_at;
end;
$$;

comment on function pgledger.plan_entered_at is
  'When in a period a plan was entered first, out of the period''s parts.';

revoke all on function pgledger.plan_entered_at from public;
