/*
The priority of a plan at a time. Like prices, it holds for periods that begin after it was changed.
*/
create or replace function pgledger.plan_priority(
  plan_key bigint,
  at timestamptz
)
returns integer
language plpgsql
stable
parallel safe
as $$
begin
  return (
    select plan_versions.priority
    from pgledger.plan_versions
    where plan_versions.plan_key = plan_priority.plan_key
      and plan_versions.effective_at <= plan_priority.at
      and plan_versions.priority is not null
    order by plan_versions.effective_at desc, plan_versions.version desc
    limit 1
  );
end;
$$;

comment on function pgledger.plan_priority is
  'The priority of a plan at a time.';

revoke all on function pgledger.plan_priority from public;
