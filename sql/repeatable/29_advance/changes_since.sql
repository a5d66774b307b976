/*
What was written down about a subscription after a version, in the order of its versions.
*/
create or replace function pgledger.changes_since(subscription_key bigint, version bigint)
returns table (
  tenant_id text,
  subscription_id text,
  change text,
  occurred_at timestamptz
)
language sql
stable
parallel safe
as $$
  select
    subscription_changes.tenant_id, subscriptions.id, subscription_changes.change,
    subscription_changes.occurred_at
  from pgledger.subscription_changes
  inner join pgledger.subscriptions
    on subscription_changes.subscription_key = subscriptions.key
  where subscription_changes.subscription_key = changes_since.subscription_key
    and subscription_changes.version > changes_since.version
  order by subscription_changes.version
$$;

comment on function pgledger.changes_since is
  'What was written down about a subscription after a version.';

revoke all on function pgledger.changes_since from public;
