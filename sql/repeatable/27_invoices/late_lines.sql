/*
Lines for usage that was reported after the invoice of its period had become final, one for each
period, plan and feature: what usage costs by now at the price that it was billed at, less what was
billed. A credit gives back what was paid, so the discount's share is left out.

Only features that pgledger.features_with_late_usage names are computed anew. Late usage of a period
whose invoice is still a draft goes on the draft.
*/
create or replace function pgledger.late_lines(
  subscription pgledger.subscriptions,
  before_period timestamptz,
  for_invoice pgledger.invoices,
  exponent integer
)
returns setof pgledger.invoice_lines
language plpgsql
stable
parallel safe
as $$
declare
  v_billed record;
  v_charge record;
  v_line pgledger.invoice_lines;
begin
  for v_billed in
    select
      billed.for_period, billed.plan_key, billed.item, billed.starts_at, billed.ends_at,
      billed.quantity, billed.amount + billed.true_up + billed.cap as amount, billed.net,
      billed.events, billed.basis, late.meter_key, late.unique_key
    from pgledger.features_with_late_usage(subscription, before_period, for_invoice) as late
    inner join pgledger.billed_usage(
      subscription.key, before_period, for_invoice, true
    ) as billed
      on late.item = billed.item and late.since <= billed.starts_at
    where not exists (
      select
      from pgledger.invoices
      where invoices.subscription_key = subscription.key
        and invoices.kind = 'period'
        and invoices.period_start = billed.for_period
        and invoices.status = 'draft'
    )
    order by billed.for_period, billed.starts_at, billed.item
  loop
    v_charge := pgledger.charge_as_billed(
      subscription,
      v_billed.for_period,
      v_billed.plan_key,
      row(
        null, v_billed.item, null, v_billed.meter_key, v_billed.unique_key, v_billed.basis
      )::pgledger.priced_feature,
      exponent
    );
    continue when v_charge.events = v_billed.events
      and v_charge.amount = v_billed.amount;

    v_line := null;
    v_line.kind := 'late_usage';
    v_line.description := format(
      'Late usage of %s before %s',
      v_billed.item,
      to_char(v_billed.ends_at at time zone subscription.time_zone, 'YYYY-MM-DD')
    );
    v_line.item := v_billed.item;
    v_line.period_start := v_billed.starts_at;
    v_line.period_end := v_billed.ends_at;
    v_line.quantity := v_charge.quantity - v_billed.quantity;
    v_line.amount := v_charge.amount - v_billed.amount;
    v_line.discount := 0;
    v_line.tax := 0;
    v_line.subscription_key := subscription.key;
    v_line.for_period := v_billed.for_period;
    v_line.plan_key := v_billed.plan_key;
    v_line.counted := v_charge.counted;
    v_line.events := v_charge.events - v_billed.events;
    v_line.basis := v_billed.basis;
    if v_line.amount < 0 and v_billed.net <> v_billed.amount then
      v_line.basis := v_line.basis || jsonb_build_object('gross', v_line.amount::text);
      v_line.amount := pgledger.rounded_quotient(
        v_line.amount * v_billed.net, v_billed.amount, exponent
      );
    end if;
    return next v_line;
  end loop;
end;
$$;

comment on function pgledger.late_lines is
  'Lines for usage that was reported after the invoice of its period had become final.';

revoke all on function pgledger.late_lines from public;
