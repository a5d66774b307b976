/*
Refuses a subscription that is to start later, if it is clear already that it could not: the
tenant's live one, or another that starts before it, does not end by then.

Errors: ActiveSubscriptionExists.
*/
create or replace function pgledger.refuse_scheduled_clash(subscription pgledger.subscriptions)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  if not subscription.add_on and exists (
    select
    from pgledger.subscriptions as other
    where other.app_id = subscription.app_id
      and other.tenant_id = subscription.tenant_id
      and other.key is distinct from subscription.key
      and not other.add_on
      and other.status in ('scheduled', 'trialing', 'active')
      and other.started_at <= subscription.started_at
      and (other.cancel_at > subscription.started_at or other.cancel_at is null)
  ) then
    v_ok := pgledger.refuse_second_subscription(
      subscription.app_id,
      subscription.tenant_id,
      'Cancel that one first, at this start or before it, or change its plan.'
    );
  end if;
  return true;
end;
$$;

comment on function pgledger.refuse_scheduled_clash is
  'Refuses a subscription that could not start, because another goes on.';

revoke all on function pgledger.refuse_scheduled_clash from public;
