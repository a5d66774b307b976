/*
Moves on a subscription that is locked, and draws up the invoices that are due with that, unless
invoices is none. is_busy says that somebody else holds what its tenant has left of coupons: then
only the move was written.
*/
create or replace function pgledger.advance_and_invoice(
  subscription_key bigint,
  invoices text,
  now timestamptz,
  out version bigint,
  out invoice_keys bigint[],
  out is_busy boolean
)
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_moved pgledger.subscriptions := pgledger.advance_subscription(
    (select subscriptions from pgledger.subscriptions where subscriptions.key = subscription_key),
    now,
    to_store => invoices = 'none'
  );
begin
  version := v_moved.version;
  if invoices <> 'none' then
    invoice_keys := pgledger.invoice_subscription(v_moved, invoices = 'final');
    is_busy := invoice_keys is null;
  end if;
  invoice_keys := coalesce(invoice_keys, '{}');
end;
$$;

comment on function pgledger.advance_and_invoice is
  'Moves on a subscription that is locked and draws up its invoices.';

revoke all on function pgledger.advance_and_invoice from public;
