/*
Whether nothing was billed for a subscription before a period: it has no invoice that began before
it, and no line of usage on any.
*/
create or replace function pgledger.is_first_bill(
  subscription_key bigint,
  before_period timestamptz
)
returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  return not exists (
    select
    from pgledger.invoice_lines
    where invoice_lines.subscription_key = is_first_bill.subscription_key
      and invoice_lines.for_period < before_period
      and invoice_lines.events is not null
  )
  and not exists (
    select
    from pgledger.invoices
    where invoices.subscription_key = is_first_bill.subscription_key
      and invoices.kind = 'period'
      and invoices.period_start < before_period
      and invoices.status <> 'voided'
  );
end;
$$;

comment on function pgledger.is_first_bill is
  'Whether nothing was billed for a subscription before a period.';

revoke all on function pgledger.is_first_bill from public;
