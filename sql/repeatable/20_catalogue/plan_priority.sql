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
  select plan_versions.priority
  from pgledger.plan_versions
  where plan_versions.plan_key = plan_priority.plan_key
    and plan_versions.effective_at <= plan_priority.at
    and plan_versions.priority is not null
  order by plan_versions.effective_at desc, plan_versions.version desc
  limit 1
$$;

comment on function pgledger.plan_priority is 'The priority of a plan at a time.';

revoke all on function pgledger.plan_priority from public;
