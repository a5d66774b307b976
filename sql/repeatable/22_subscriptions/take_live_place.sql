/*
Makes a scheduled subscription the live one of its tenant, in its row alone, and returns whether it
is that now: false if the tenant has another. An add-on needs no place.

The subscription is locked. Locks the tenant's live one if its cancellation is due, and waits for
whoever makes another one live at the same time.
*/
create or replace function pgledger.take_live_place(subscription pgledger.subscriptions)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_constraint text;
begin
  if subscription.add_on then
    return true;
  end if;
  perform pgledger.end_overdue_subscription(subscription.app_id, subscription.tenant_id);
  update pgledger.subscriptions
  set status = 'active'
  where subscriptions.key = subscription.key;
  return true;
exception
  when unique_violation then
    get stacked diagnostics v_constraint = constraint_name;
    if v_constraint is distinct from 'subscriptions_app_id_tenant_id_live_idx' then
      raise;
    end if;
    return false;
end;
$$;

comment on function pgledger.take_live_place is
  'Makes a scheduled subscription the live one of its tenant, unless there is another.';

revoke all on function pgledger.take_live_place from public;
