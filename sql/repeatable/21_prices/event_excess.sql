/*
What one event's charge is below what an event costs at least, and what it is above what an event
costs at most. The charge is the rate's part of its quantity, and the fee.
*/
create or replace function pgledger.event_excess(
  quantity numeric,
  rate numeric,
  fee numeric,
  event_minimum numeric,
  event_maximum numeric,
  out below numeric,
  out above numeric
)
language sql
immutable
parallel safe
as $$
  select
    greatest(event_minimum - charge.amount, 0),
    greatest(charge.amount - event_maximum, 0)
  from (select quantity * rate + fee as amount) as charge
$$;

comment on function pgledger.event_excess is
  'What one event''s charge is below, and what it is above, the bounds of a charge.';

revoke all on function pgledger.event_excess from public;
