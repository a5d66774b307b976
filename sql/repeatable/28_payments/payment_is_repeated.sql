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
  v_given jsonb;
  v_recorded jsonb;
  v_ok boolean;
begin
  select
    jsonb_build_object(
      'app_id', asked.app_id,
      'tenant_id', asked.tenant_id,
      'invoice_id', asked.id,
      'amount', payment_is_repeated.amount,
      'paid_at', coalesce(payment_is_repeated.paid_at, payment.paid_at),
      'reference', payment_is_repeated.reference
    ),
    jsonb_build_object(
      'app_id', payment.app_id,
      'tenant_id', payment.tenant_id,
      'invoice_id', paid.id,
      'amount', payment.amount,
      'paid_at', payment.paid_at,
      'reference', payment.reference
    )
  into v_given, v_recorded
  from pgledger.invoice_payments as payment
  inner join pgledger.invoices as paid on payment.invoice_key = paid.key
  inner join pgledger.invoices as asked on asked.key = payment_is_repeated.invoice_key
  where payment.id = payment_is_repeated.id;

  v_ok := pgledger.check_repeated(id, v_given, v_recorded);
  return v_recorded is not null;
end;
$$;

comment on function pgledger.payment_is_repeated is
  'Whether a payment of that id has been recorded; raises if by a different request.';

revoke all on function pgledger.payment_is_repeated from public;
