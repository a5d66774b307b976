/*
Moves on a subscription that is locked, and draws up the invoices that are due with that, unless
invoices is none. is_busy says that somebody else holds what its tenant has left of coupons: then
only the move was written.

Of one that is far behind, a call does a part. It is_unfinished then, and goes behind all others
that are due by now, so that it holds up nobody.

Errors: ActiveSubscriptionExists (it is to start, and its tenant has another live subscription),
UnknownTimeZone.
*/
create or replace function pgledger.advance_and_invoice(
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
  v_moved pgledger.subscriptions := pgledger.advance_subscription(
    (select subscriptions from pgledger.subscriptions where subscriptions.key = subscription_key),
    now,
    to_store => invoices = 'none',
    at_most => pgledger.moves_at_once()
  );
  v_ok boolean;
begin
  if v_moved.status = 'scheduled' and v_moved.due_at <= now then
    v_ok := pgledger.refuse_second_subscription(
      v_moved.app_id,
      v_moved.tenant_id,
      'This one waits to start. Cancel one of both at once.'
    );
  end if;
  version := v_moved.version;
  is_busy := false;
  is_unfinished := v_moved.due_at <= now;
  if invoices <> 'none' then
    v_ok := pgledger.check_zones(v_moved);
    is_unfinished := is_unfinished or pgledger.invoiceable_version(v_moved) < version;
    invoice_keys := pgledger.invoice_subscription(v_moved, invoices = 'final');
    is_busy := invoice_keys is null;
  end if;
  invoice_keys := coalesce(invoice_keys, '{}');

  if is_unfinished and not is_busy then
    update pgledger.subscriptions
    set advance_at = now
    where subscriptions.key = subscription_key;
  end if;
end;
$$;

comment on function pgledger.advance_and_invoice is
  'Moves on a subscription that is locked and draws up its invoices.';

revoke all on function pgledger.advance_and_invoice from public;
