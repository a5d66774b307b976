/*
Whether an earlier call with that id has recorded the same payment. The time of the payment is
compared only if the caller gives it: a call without it had another "now" before.
Errors: IdempotencyConflict.
*/
create or replace function pgledger.payment_is_repeated(
  id text,
  invoice_key bigint,
  amount numeric,
  paid_at timestamptz,
  reference text
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_is_same boolean := (
    select
      (payment.invoice_key, payment.amount)
      = (payment_is_repeated.invoice_key, payment_is_repeated.amount)
      and payment.paid_at = coalesce(payment_is_repeated.paid_at, payment.paid_at)
      and payment.reference is not distinct from payment_is_repeated.reference
    from pgledger.invoice_payments as payment
    where payment.id = payment_is_repeated.id
  );
  v_ok boolean;
begin
  if not v_is_same then
    v_ok := pgledger.fail('IdempotencyConflict', array[id]);
  end if;
  return v_is_same is not null;
end;
$$;

comment on function pgledger.payment_is_repeated is
  'Whether a payment of that id has been recorded; raises if by a different request.';

revoke all on function pgledger.payment_is_repeated from public;
