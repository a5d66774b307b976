/*
Makes ledger_advance leave a subscription alone until that time. Returns whether that could be
written: false if the row itself is refused, for example by a trigger.
*/
create or replace function pgledger.postpone_advance(subscription_key bigint, until timestamptz)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
begin
  update pgledger.subscriptions
  set advance_at = until
  where subscriptions.key = subscription_key;
  return true;
exception
  when others then
    if not pgledger.may_concern_one_subscription(sqlstate) then
      raise;
    end if;
    return false;
end;
$$;

comment on function pgledger.postpone_advance is
  'Makes ledger_advance leave a subscription alone until a later time.';

revoke all on function pgledger.postpone_advance from public;
