/*
The times between two points in which other subscriptions of the same tenant are active or in their
trial, with what their plans ask and give then. Nearly every tenant has one subscription, and the
answer is empty.
*/
create or replace function pgledger.rival_times(
  subscription pgledger.subscriptions,
  since timestamptz,
  until timestamptz
)
returns pgledger.rival_time[]
language plpgsql
stable
parallel safe
as $$
begin
  if not exists (
    select
    from pgledger.subscriptions as other
    where other.app_id = subscription.app_id
      and other.tenant_id = subscription.tenant_id
      and other.key <> subscription.key
      and other.started_at < rival_times.until
      and (other.ended_at is null or other.ended_at > rival_times.since)
  ) then
    return '{}';
  end if;
  return array(
    select
      row(
        other.key, other.started_at, other.created_at, part.starts_at, part.ends_at, part.status,
        pgledger.plan_priority(part.plan_key, part.entered_at),
        jsonb_path_query_array(terms.pricing, '$.prices[*].feature'),
        terms.allowances
      )::pgledger.rival_time
    from pgledger.subscriptions as other
    cross join lateral pgledger.subscription_times(other, rival_times.until) as part
    cross join lateral pgledger.plan_terms(part.plan_key, part.entered_at) as terms
    where other.app_id = subscription.app_id
      and other.tenant_id = subscription.tenant_id
      and other.key <> subscription.key
      and other.started_at < rival_times.until
      and (other.ended_at is null or other.ended_at > rival_times.since)
      and part.starts_at < rival_times.until
      and part.ends_at > rival_times.since
    order by other.key, part.starts_at
  );
end;
$$;

comment on function pgledger.rival_times is
  'When other subscriptions of the same tenant are active, and what their plans ask and give.';

revoke all on function pgledger.rival_times from public;
