/*
Lines for the usage of a subscription's period, less what interim invoices have billed of it, for
each plan that it was on, in the order in which they began.
*/
create or replace function pgledger.usage_lines(
  subscription pgledger.subscriptions,
  for_period timestamptz,
  segments pgledger.billing_segment[],
  for_invoice pgledger.invoices,
  exponent integer
)
returns setof pgledger.invoice_lines
language plpgsql
stable
parallel safe
as $$
declare
  v_stays pgledger.billing_segment[] := pgledger.billing_stays(segments);
  v_has_billed boolean := exists (
    select
    from pgledger.billed_usage(subscription.key, for_period, for_invoice, false)
  );
  v_plan record;
begin
  subscription.time_zone := pgledger.zone_of_period(subscription, for_period);
  for v_plan in
    select stay.plan_key, array_agg(stay order by stay.starts_at) as stays
    from unnest(v_stays) as stay
    group by stay.plan_key
    order by min(stay.starts_at)
  loop
    return query
    select
      line.invoice_key, line.place, line.kind, line.description, line.item, line.period_start,
      line.period_end, line.quantity, line.unit_amount, line.amount, line.discount, line.tax,
      line.subscription_key, line.for_period, line.plan_key, line.gross, line.counted, line.events,
      line.redemption_key, line.basis
    from pgledger.plan_usage_lines(
      subscription, for_period, v_stays[1], v_plan.stays, v_has_billed, for_invoice, exponent
    ) as line;
  end loop;
end;
$$;

comment on function pgledger.usage_lines is
  'Lines for the usage of a subscription''s period that is not billed yet.';

revoke all on function pgledger.usage_lines from public;
