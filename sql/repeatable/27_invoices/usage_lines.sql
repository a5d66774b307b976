/*
Lines for the usage of a subscription's period, less what interim invoices have billed of it: for
each plan that it was on and each of its prices one for usage, overage beyond an allowance or seats,
and one each for what is missing to the price's minimum and what is beyond its maximum. Usage of
zero has its line, too: it says that the feature was looked at, for what comes late.

Where more was billed than it comes to, the lines together give back what was paid of that, its
share of the discount left out; the basis of each says what it was before.
*/
create or replace function pgledger.usage_lines(
  subscription pgledger.subscriptions,
  for_period timestamptz,
  segments pgledger.billing_segment[],
  but_invoice_key bigint,
  exponent integer
)
returns setof pgledger.invoice_lines
language plpgsql
stable
parallel safe
as $$
declare
  v_stays pgledger.billing_segment[] := pgledger.billing_stays(segments);
  v_plan record;
  v_charge record;
  v_billed record;
  v_gross numeric;
  v_amount numeric;
  v_true_up numeric;
  v_cap numeric;
  v_is_reduced boolean := false;
  v_line pgledger.invoice_lines;
  v_has_billed boolean := exists (
    select
    from pgledger.billed_usage(subscription.key, for_period, but_invoice_key, false)
  );
begin
  v_line.subscription_key := subscription.key;
  v_line.for_period := for_period;
  v_line.discount := 0;
  v_line.tax := 0;
  for v_plan in
    select
      stay.plan_key, min(stay.starts_at) as starts_at, max(stay.ends_at) as ends_at,
      array_agg(stay order by stay.starts_at) as stays
    from unnest(v_stays) as stay
    group by stay.plan_key
    order by min(stay.starts_at)
  loop
    v_line.plan_key := v_plan.plan_key;
    v_line.period_start := v_plan.starts_at;
    v_line.period_end := v_plan.ends_at;
    for v_charge in
      select
        charge.description, charge.feature_key, charge.unit_amount, charge.basis,
        charge.quantity, charge.amount, charge.true_up, charge.cap, charge.counted, charge.events
      from pgledger.usage_charges(
        array(
          select price
          from pgledger.priced_features(subscription, v_plan.plan_key) as price
        ),
        v_stays[1].starts_at, v_plan.stays, v_plan.plan_key = v_stays[1].plan_key,
        subscription.time_zone, exponent
      ) as charge
    loop
      if v_has_billed then
        select
          coalesce(sum(billed.quantity), 0) as quantity, coalesce(sum(billed.amount), 0) as amount,
          coalesce(sum(billed.true_up), 0) as true_up, coalesce(sum(billed.cap), 0) as cap,
          coalesce(sum(billed.net), 0) as net, coalesce(sum(billed.events), 0) as events
        into v_billed
        from pgledger.billed_usage(subscription.key, for_period, but_invoice_key, false) as billed
        where billed.item = v_charge.feature_key
          and billed.plan_key = v_plan.plan_key;
        v_charge.quantity := v_charge.quantity - v_billed.quantity;
        v_charge.amount := v_charge.amount - v_billed.amount;
        v_charge.true_up := v_charge.true_up - v_billed.true_up;
        v_charge.cap := v_charge.cap - v_billed.cap;
        v_charge.events := v_charge.events - v_billed.events;
        v_gross := v_billed.amount + v_billed.true_up + v_billed.cap;
        v_is_reduced := v_billed.net <> v_gross
          and v_charge.amount + v_charge.true_up + v_charge.cap < 0;
      end if;
      v_amount := v_charge.amount;
      v_true_up := v_charge.true_up;
      v_cap := v_charge.cap;
      if v_is_reduced then
        v_true_up := pgledger.rounded_quotient(v_true_up * v_billed.net, v_gross, exponent);
        v_cap := pgledger.rounded_quotient(v_cap * v_billed.net, v_gross, exponent);
        v_amount := pgledger.rounded_quotient(
          (v_charge.amount + v_charge.true_up + v_charge.cap) * v_billed.net, v_gross, exponent
        ) - v_true_up - v_cap;
      end if;

      v_line.kind := case
        when v_charge.basis ->> 'type' = 'seat' then 'seats'
        when v_charge.basis ? 'allowance' then 'overage'
        else 'usage'
      end;
      v_line.description := v_charge.description;
      v_line.item := v_charge.feature_key;
      v_line.quantity := v_charge.quantity;
      v_line.unit_amount := v_charge.unit_amount;
      v_line.amount := v_amount;
      v_line.counted := v_charge.counted;
      v_line.events := v_charge.events;
      v_line.basis := v_charge.basis;
      if v_is_reduced then
        v_line.basis := v_line.basis || jsonb_build_object('gross', v_charge.amount::text);
      end if;
      return next v_line;
      continue when v_charge.true_up = 0 and v_charge.cap = 0;

      v_line.quantity := null;
      v_line.unit_amount := null;
      v_line.counted := null;
      v_line.events := null;
      if v_charge.true_up <> 0 then
        v_line.kind := 'true_up';
        v_line.description := v_charge.description || ', up to the minimum';
        v_line.amount := v_true_up;
        v_line.basis := case
          when v_is_reduced then jsonb_build_object('gross', v_charge.true_up::text)
        end;
        return next v_line;
      end if;
      if v_charge.cap <> 0 then
        v_line.kind := 'cap';
        v_line.description := v_charge.description || ', down to the maximum';
        v_line.amount := v_cap;
        v_line.basis := case
          when v_is_reduced then jsonb_build_object('gross', v_charge.cap::text)
        end;
        return next v_line;
      end if;
    end loop;
  end loop;
end;
$$;

comment on function pgledger.usage_lines is
  'Lines for the usage of a subscription''s period that is not billed yet.';

revoke all on function pgledger.usage_lines from public;
