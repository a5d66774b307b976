/*
What a redemption has taken off the base fee of a period, for an invoice of a change in that period:
its use goes on there, so that it takes no other one. Null for all other invoices, and where it has
taken none in that period.
*/
create or replace function pgledger.taken_in_period(
  invoice pgledger.invoices,
  redemption_key bigint
)
returns numeric
language plpgsql
stable
parallel safe
as $$
begin
  if invoice.kind <> 'change' then
    return null;
  end if;
  return (
    select sum(used.discount)
    from pgledger.coupon_applications as used
    where used.redemption_key = taken_in_period.redemption_key
      and used.returned_at is null
      and used.invoice_key is distinct from invoice.key
      and exists (
        select
        from pgledger.invoice_lines
        where invoice_lines.invoice_key = used.invoice_key
          and invoice_lines.subscription_key = invoice.subscription_key
          and invoice_lines.for_period = invoice.period_start
          and invoice_lines.gross is not null
      )
  );
end;
$$;

comment on function pgledger.taken_in_period is
  'What a redemption has taken off the base fee of the period of a change.';

revoke all on function pgledger.taken_in_period from public;
