/*
Whether the base fee of a period in which nothing has changed is billed already, for just that time,
plan and quantity: the usual case, in which nothing has to be worked out.
*/
create or replace function pgledger.base_is_billed(
  subscription_key bigint,
  for_period timestamptz,
  segments pgledger.billing_segment[],
  but_invoice_key bigint
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_segment pgledger.billing_segment := segments[1];
begin
  return cardinality(segments) = 1
    and v_segment.status = 'active'
    and (
      select
        count(*) = 1
        and bool_and(
          invoice_lines.plan_key = v_segment.plan_key
          and invoice_lines.quantity = v_segment.quantity
          and invoice_lines.period_start = v_segment.starts_at
          and invoice_lines.period_end = v_segment.ends_at
        )
      from pgledger.invoice_lines
      inner join pgledger.invoices on invoice_lines.invoice_key = invoices.key
      where invoice_lines.subscription_key = base_is_billed.subscription_key
        and invoice_lines.for_period = base_is_billed.for_period
        and invoice_lines.gross is not null
        and invoices.status <> 'voided'
        and invoices.key is distinct from but_invoice_key
    );
end;
$$;

comment on function pgledger.base_is_billed is
  'Whether the base fee of a period in which nothing has changed is billed already.';

revoke all on function pgledger.base_is_billed from public;
