/*
What each line of an invoice, in their order, adds to the sum that one of its own tax rates is
computed on: what is left after discounts, if the rate is for the line. Credits add nothing where
pgledger.trace_credits has given back their tax.
*/
create or replace function pgledger.taxable_parts(
  lines pgledger.invoice_lines[],
  applies_to jsonb
)
returns numeric[]
language sql
immutable
parallel safe
as $$
  select
    array_agg(
      case
        when line.kind not in ('discount', 'tax')
          and (applies_to is null or applies_to ? line.item)
          and (line.basis ? 'billed_with') is not true
          then line.amount - line.discount
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

comment on function pgledger.taxable_parts is
  'What each line of an invoice adds to the sum that a tax rate is computed on.';

revoke all on function pgledger.taxable_parts from public;
