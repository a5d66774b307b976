/*
Up to which version a call draws up the invoices of a subscription: all that are written down, or so
many that the call stays short, and then all of the last one's moment, because what happens at one
moment is billed together.
*/
create or replace function pgledger.invoiceable_version(subscription pgledger.subscriptions)
returns bigint
language plpgsql
stable
parallel safe
as $$
begin
  if subscription.version <= subscription.invoiced_version + pgledger.moves_at_once() then
    return subscription.version;
  end if;
  return (
    select change.version
    from pgledger.subscription_changes as change
    where change.subscription_key = subscription.key
      and change.version >= subscription.invoiced_version + pgledger.moves_at_once()
      and not exists (
        select
        from pgledger.subscription_changes as next_change
        where next_change.subscription_key = change.subscription_key
          and next_change.version = change.version + 1
          and next_change.occurred_at = change.occurred_at
      )
    order by change.version
    limit 1
  );
end;
$$;

comment on function pgledger.invoiceable_version is
  'Up to which version of a subscription a call draws up its invoices.';

revoke all on function pgledger.invoiceable_version from public;
