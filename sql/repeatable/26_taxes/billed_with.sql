/*
What each line of an invoice, in their order, comes to after discounts by tax rates. If
pgledger.trace_credits has said in the line's basis what was billed with which rates, it is the part
with these. Any other line comes to all of it by the invoice's own rates, and to nothing by others.
*/
create or replace function pgledger.billed_with(
  lines pgledger.invoice_lines[],
  tax_rates jsonb,
  are_own boolean
)
returns numeric[]
language sql
immutable
parallel safe
as $$
  select
    array_agg(
      case
        when line.basis ? 'billed_with' then (
          select
            coalesce(
              sum((part.value ->> 'amount')::numeric)
              filter (where part.value -> 'tax_rates' = billed_with.tax_rates),
              0
            )
          from jsonb_array_elements(line.basis -> 'billed_with') as part
        )
        when are_own then line.amount - line.discount
        else 0
      end
      order by line.nth
    )
  from unnest(lines) with ordinality as line (
    invoice_key, place, kind, description, item, period_start, period_end, quantity, unit_amount,
    amount, discount, tax, subscription_key, for_period, plan_key, gross, counted, events,
    redemption_key, basis, nth
  )
$$;

comment on function pgledger.billed_with is
  'What each line of an invoice comes to by tax rates that it was billed with.';

revoke all on function pgledger.billed_with from public;
