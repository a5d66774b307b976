/*
Lets ledger_advance look at a subscription again at that time, not before. Returns whether that
could be written down.
*/
create or replace function pgledger.put_off(subscription_key bigint, until timestamptz)
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
    if not pgledger.is_of_one_subscription(sqlstate) then
      raise;
    end if;
    return false;
end;
$$;

comment on function pgledger.put_off is
  'Lets ledger_advance look at a subscription again at a later time.';

revoke all on function pgledger.put_off from public;
