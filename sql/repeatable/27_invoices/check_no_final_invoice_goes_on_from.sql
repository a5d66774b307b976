/*
Refuses to take back an invoice that a final one of the same subscription goes on from: to void a
base fee of which it gives back a part, or an invoice that its credit has lowered. That invoice has
to be voided first. One that became final before gives back what others billed.

Errors: InvalidState.
*/
create or replace function pgledger.check_no_final_invoice_goes_on_from(
  invoice pgledger.invoices,
  target text
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_later text := (
    select later.id
    from pgledger.invoices as later
    where later.subscription_key = invoice.subscription_key
      and later.status not in ('draft', 'voided')
      and later.key <> invoice.key
      and (
        exists (
          select
          from pgledger.invoice_credits as given
          where given.from_invoice_key = later.key
            and given.to_invoice_key = invoice.key
            and given.taken_back_at is null
        )
        or exists (
          select
          from pgledger.invoice_lines as credit
          inner join pgledger.invoice_lines as charge
            on credit.for_period = charge.for_period
            and credit.plan_key = charge.plan_key
            and credit.quantity = charge.quantity
          where later.number > invoice.number
            and credit.invoice_key = later.key
            and credit.gross < 0
            and charge.invoice_key = invoice.key
            and charge.gross > 0
        )
      )
    order by later.key
    limit 1
  );
  v_ok boolean;
begin
  if v_later is not null then
    v_ok := pgledger.refuse_invoice_move(
      invoice, format('%s while invoice %s goes on from it', target, v_later)
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_no_final_invoice_goes_on_from is
  'Raises InvalidState if a final invoice goes on from one that is to be taken back.';

revoke all on function pgledger.check_no_final_invoice_goes_on_from from public;
