/*
As pgledger.advance_and_invoice, in a subtransaction. If it fails, what it did is undone, there is a
warning, and the subscription is postponed for an hour: version is null, and error says why. One
that cannot even be postponed is only warned of, and error is null too: were it named, a caller who
waits for a call without rows would never end.
*/
create or replace function pgledger.advance_alone(
  subscription_key bigint,
  invoices text,
  now timestamptz,
  out version bigint,
  out invoice_keys bigint[],
  out is_busy boolean,
  out is_unfinished boolean,
  out error text
)
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_moved record;
  v_name text;
begin
  v_moved := pgledger.advance_and_invoice(subscription_key, invoices, now);
  version := v_moved.version;
  invoice_keys := v_moved.invoice_keys;
  is_busy := v_moved.is_busy;
  is_unfinished := v_moved.is_unfinished;
exception
  when others then
    if not pgledger.may_concern_one_subscription(sqlstate) then
      raise;
    end if;
    v_name := (
      select format('subscription %s of tenant %s', subscriptions.id, subscriptions.tenant_id)
      from pgledger.subscriptions
      where subscriptions.key = subscription_key
    );
    raise warning using
      message = format('%s was not advanced: %s', v_name, sqlerrm),
      errcode = sqlstate;
    is_busy := true;
    if pgledger.postpone_advance(subscription_key, now + interval '1 hour') then
      error := sqlerrm;
    end if;
end;
$$;

comment on function pgledger.advance_alone is
  'Moves on a subscription so that its failure undoes and stops nothing else.';

revoke all on function pgledger.advance_alone from public;
