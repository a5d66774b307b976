/*
How many changes of other subscriptions of the same tenant took effect in a period. With known_by,
only those that were written by then: one that was written later takes effect later, or is that of a
subscription which is backdated, and takes over nothing that had been billed.
*/
create or replace function pgledger.rival_changes(
  subscription pgledger.subscriptions,
  starts_at timestamptz,
  ends_at timestamptz,
  known_by timestamptz default 'infinity'
)
returns bigint
language sql
stable
parallel safe
as $$
  select count(*)
  from pgledger.subscriptions as other
  inner join pgledger.subscription_changes on other.key = subscription_changes.subscription_key
  where other.app_id = subscription.app_id
    and other.tenant_id = subscription.tenant_id
    and other.key <> subscription.key
    and subscription_changes.occurred_at >= rival_changes.starts_at
    and subscription_changes.occurred_at < rival_changes.ends_at
    and subscription_changes.created_at <= rival_changes.known_by
$$;

comment on function pgledger.rival_changes is
  'How many changes of other subscriptions of the same tenant took effect in a period.';

revoke all on function pgledger.rival_changes from public;
