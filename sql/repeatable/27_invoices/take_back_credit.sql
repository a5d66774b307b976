/*
Takes back what the credit of an invoice that is voided has lowered: the other invoices are to be
paid as if there had been no credit. Returns those that were paid and are open again.

Locks these invoices, ascending by key; their subscription and the voided invoice are locked
already.
*/
create or replace function pgledger.take_back_credit(
  invoice_key bigint,
  at timestamptz
)
returns bigint[]
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_paid bigint[];
begin
  with locked as materialized (
    select invoices.key, invoices.status
    from pgledger.invoices
    where invoices.key in (
      select given.to_invoice_key
      from pgledger.invoice_credits as given
      where given.from_invoice_key = take_back_credit.invoice_key
    )
    order by invoices.key
    for no key update
  )
  select array_agg(locked.key) filter (where locked.status = 'paid')
  into v_paid
  from locked;

  update pgledger.invoice_credits
  set taken_back_at = take_back_credit.at
  where invoice_credits.from_invoice_key = take_back_credit.invoice_key;

  -- In a statement of its own, which sees what is taken back.
  perform pgledger.lower_invoice(given.to_invoice_key, -given.amount, take_back_credit.at)
  from pgledger.invoice_credits as given
  where given.from_invoice_key = take_back_credit.invoice_key and given.amount > 0;

  perform pgledger.note_credits(take_back_credit.invoice_key, 'taken_back', take_back_credit.at);

  return array(
    select invoices.key
    from pgledger.invoices
    where invoices.key = any(v_paid) and invoices.status <> 'paid'
    order by invoices.key
  );
end;
$$;

comment on function pgledger.take_back_credit is
  'Takes back what the credit of an invoice has lowered, and says what is open again.';

revoke all on function pgledger.take_back_credit from public;
