/*
The priority of a plan at a time: of several subscriptions that have a price for a feature, that of
the lowest one bills it.
*/
create or replace function pgledger.plan_priority(
  plan_key bigint,
  at timestamptz
)
returns integer
language sql
stable
parallel safe
as $$
  select plans.priority from pgledger.plans where plans.key = plan_priority.plan_key
$$;

comment on function pgledger.plan_priority is 'The priority of a plan at a time.';

revoke all on function pgledger.plan_priority from public;
