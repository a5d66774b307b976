/*
Lines for the usage of a subscription's period that is not billed yet: for each plan, and each of
its prices, one for usage, overage beyond an allowance or seats, one for what is missing to the
price's minimum, and one for what is beyond its maximum. Usage of zero has its line, too: it says
that the feature was looked at, which is what late usage is found by. Where a credit was reduced by
a discount, the line's basis says what it was before.

What is missing to a minimum is known only at the period's end: until the period's own invoice is
final, an interim invoice leaves it out.
*/
create or replace function pgledger.usage_lines(
  subscription pgledger.subscriptions,
  for_period timestamptz,
  segments pgledger.billing_segment[],
  for_invoice pgledger.invoices,
  exponent integer
)
returns pgledger.invoice_lines[]
language plpgsql
stable
parallel safe
as $$
declare
  v_is_closed boolean := exists (
    select
    from pgledger.invoices
    where invoices.subscription_key = subscription.key
      and invoices.kind = 'period'
      and invoices.period_start = for_period
      and invoices.status not in ('draft', 'voided')
  );
  v_charge pgledger.usage_charge;
  v_line pgledger.invoice_lines;
  v_lines pgledger.invoice_lines[] := '{}';
begin
  v_line.subscription_key := subscription.key;
  v_line.for_period := for_period;
  foreach v_charge in array pgledger.unbilled_usage(
    subscription, for_period, segments, for_invoice,
    v_is_closed and not exists (
      select from pgledger.missed_rivals(subscription, 'infinity', for_period)
    ),
    exponent
  ) loop
    v_line.kind := case
      when v_charge.basis ->> 'type' = 'seat' then 'seats'
      when v_charge.basis ?| array['allowance', 'added_allowance'] then 'overage'
      else 'usage'
    end;
    v_line.description := v_charge.description;
    v_line.item := v_charge.feature_key;
    v_line.plan_key := v_charge.plan_key;
    v_line.period_start := v_charge.starts_at;
    v_line.period_end := v_charge.ends_at;
    v_line.quantity := v_charge.quantity;
    v_line.unit_amount := v_charge.unit_amount;
    v_line.amount := v_charge.amount;
    v_line.discount := 0 * v_line.amount;
    v_line.tax := v_line.discount;
    v_line.counted := v_charge.counted;
    v_line.events := v_charge.events;
    v_line.basis := v_charge.basis;
    if v_charge.gross_amount is not null then
      v_line.basis := v_line.basis || jsonb_build_object('gross', v_charge.gross_amount::text);
    end if;
    v_lines := v_lines || v_line;

    if coalesce(v_charge.gross_true_up, v_charge.true_up) <> 0
      and (for_invoice.kind <> 'interim' or v_is_closed) then
      v_lines := v_lines || pgledger.bound_line(
        v_line, 'true_up', ', up to the minimum', v_charge.true_up, v_charge.gross_true_up
      );
    end if;
    if coalesce(v_charge.gross_cap, v_charge.cap) <> 0 then
      v_lines := v_lines || pgledger.bound_line(
        v_line, 'cap', ', down to the maximum', v_charge.cap, v_charge.gross_cap
      );
    end if;
  end loop;
  return v_lines;
end;
$$;

comment on function pgledger.usage_lines is
  'Lines for the usage of a subscription''s period that is not billed yet.';

revoke all on function pgledger.usage_lines from public;
