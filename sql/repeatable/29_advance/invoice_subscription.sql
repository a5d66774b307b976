/*
Draws up the invoices that a subscription's changes since the last look ask for, and returns them in
the order of their periods. With to_finalize, each is made final before the next one is drawn up,
but for its number, and drafts that were there before and can become final are among them.

The subscription is locked, and has been moved on to now; it is written here. If somebody else holds
what its tenant has left of coupons, only the subscription is written and the answer is null: the
next call draws up its invoices. If there is very much to invoice, it also draws up the rest.
*/
create or replace function pgledger.invoice_subscription(
  subscription pgledger.subscriptions,
  to_finalize boolean
)
returns bigint[]
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_until bigint := pgledger.invoiceable_version(subscription);
  v_occasion pgledger.invoice_occasion;
  v_key bigint;
  v_drawn_version bigint;
  v_keys bigint[] := '{}';
begin
  if to_finalize and not pgledger.lock_redemptions(
    subscription.app_id, subscription.tenant_id, false
  ) then
    perform pgledger.write_subscription(subscription);
    return null;
  end if;

  foreach v_occasion in array pgledger.invoice_occasions(subscription, to_finalize, v_until) loop
    -- The invoice of the period before has just billed it.
    continue when v_occasion.version = v_drawn_version;
    v_key := pgledger.invoice_on_occasion(
      subscription, v_occasion.kind, v_occasion.period_start, v_occasion.change_version,
      to_finalize
    );
    if v_key is not null then
      v_keys := v_keys || v_key;
      v_drawn_version := case when v_occasion.has_next then v_occasion.version end;
    end if;
  end loop;

  subscription.invoiced_version := v_until;
  subscription.invoice_due_at := case
    when v_until < subscription.version then pgledger.clock()
    when subscription.status = 'paused' and subscription.current_period_end > pgledger.clock()
      then subscription.current_period_end
  end;
  subscription.advance_at := least(subscription.due_at, subscription.invoice_due_at);
  perform pgledger.write_subscription(subscription);
  return v_keys;
end;
$$;

comment on function pgledger.invoice_subscription is
  'Draws up what a subscription is to be invoiced for by now, and returns the drafts.';

revoke all on function pgledger.invoice_subscription from public;
