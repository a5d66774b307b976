/*
Lines for usage that was reported after the invoice of its period had become final, one for each
period, plan and feature: what is due by now at the price that it was billed at, less what has been
billed. A credit gives back what was paid, so the discount's share is left out.

Only features that pgledger.late_usage names are computed anew; all where the period's invoice did
not know of a change of another subscription, because what it bills may be another feature then.
*/
create or replace function pgledger.late_lines(
  subscription pgledger.subscriptions,
  before_period timestamptz,
  for_invoice pgledger.invoices,
  exponent integer
)
returns pgledger.invoice_lines[]
language plpgsql
stable
parallel safe
as $$
declare
  v_late record;
  v_charge pgledger.usage_charge;
  v_line pgledger.invoice_lines;
  v_lines pgledger.invoice_lines[] := '{}';
begin
  -- In its first period, this look is all that it costs a subscription.
  if pgledger.is_first_bill(subscription.key, before_period) then
    return v_lines;
  end if;
  for v_late in
    with missed as materialized (
      select missed.for_period
      from pgledger.missed_rivals(subscription, before_period) as missed (for_period)
    )
    select late.for_period, late.items
    from pgledger.late_usage(subscription, before_period, for_invoice) as late
    where late.for_period not in (select missed.for_period from missed)
    union all
    select missed.for_period, null
    from missed
    order by 1
  loop
    foreach v_charge in array array(
      select charge
      from unnest(
        pgledger.unbilled_usage(
          subscription, v_late.for_period,
          pgledger.billing_segments(subscription, v_late.for_period), for_invoice,
          v_late.items is not null, exponent, v_late.items
        )
      ) as charge
      order by charge.starts_at, charge.feature_key
    ) loop
      v_line := null;
      v_line.amount := v_charge.amount + v_charge.true_up + v_charge.cap;
      continue when v_charge.events = 0
        and v_line.amount = 0
        and v_charge.gross_amount is null;

      v_line.kind := 'late_usage';
      v_line.description := format(
        'Late usage of %s before %s',
        v_charge.feature_key,
        to_char(v_charge.ends_at at time zone subscription.time_zone, 'YYYY-MM-DD')
      );
      v_line.item := v_charge.feature_key;
      v_line.period_start := v_charge.starts_at;
      v_line.period_end := v_charge.ends_at;
      v_line.quantity := v_charge.quantity;
      v_line.discount := 0 * v_line.amount;
      v_line.tax := v_line.discount;
      v_line.subscription_key := subscription.key;
      v_line.for_period := v_late.for_period;
      v_line.plan_key := v_charge.plan_key;
      v_line.counted := v_charge.counted;
      v_line.events := v_charge.events;
      v_line.basis := v_charge.basis;
      if v_charge.gross_amount is not null then
        v_line.basis := v_line.basis || jsonb_build_object(
          'gross', (v_charge.gross_amount + v_charge.gross_true_up + v_charge.gross_cap)::text
        );
      end if;
      v_lines := v_lines || v_line;
    end loop;
  end loop;
  return v_lines;
end;
$$;

comment on function pgledger.late_lines is
  'Lines for usage that was reported after the invoice of its period had become final.';

revoke all on function pgledger.late_lines from public;
