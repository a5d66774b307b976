/*
What the credits of an invoice, which pgledger.trace_credits has traced, give back: one row for each
rate of each set of tax rates that they were billed with, in the order of the lines. base is what is
given back of the lines that the rate is for, amount is its tax.
*/
create or replace function pgledger.credited_taxes(lines pgledger.invoice_lines[])
returns table (
  tax_rates jsonb,
  nth bigint,
  rate jsonb,
  base numeric,
  amount numeric
)
language sql
immutable
parallel safe
as $$
  select
    part.value -> 'tax_rates', rate.nth, rate.value,
    sum(
      case
        when not rate.value ? 'applies_to' or rate.value -> 'applies_to' ? line.item
          then (part.value ->> 'amount')::numeric
        else 0
      end
    ),
    sum((part.value -> 'taxes' ->> (rate.nth - 1)::integer)::numeric)
  from unnest(lines) with ordinality as line (
    invoice_key, place, kind, description, item, period_start, period_end, quantity, unit_amount,
    amount, discount, tax, subscription_key, for_period, plan_key, gross, counted, events,
    redemption_key, basis, nth
  )
  cross join lateral jsonb_array_elements(line.basis -> 'billed_with')
    with ordinality as part (value, nth)
  cross join lateral jsonb_array_elements(part.value -> 'tax_rates')
    with ordinality as rate (value, nth)
  group by part.value -> 'tax_rates', rate.nth, rate.value
  order by min(array[line.nth, part.nth]), rate.nth
$$;

comment on function pgledger.credited_taxes is
  'What the credits of an invoice give back of each tax rate that they were billed with.';

revoke all on function pgledger.credited_taxes from public;
