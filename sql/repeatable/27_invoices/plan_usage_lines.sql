/*
Lines for the usage in the stays of a period on a plan: for each of the plan's prices one for usage,
overage beyond an allowance or seats, one for what is missing to the price's minimum, and one for
what is beyond its maximum. Usage of zero has its line, too: it says that the feature was looked at,
which is what late usage is found by.

has_billed says whether another invoice has billed usage of the period; only then is each charge
lessened by that. Where a credit was reduced by a discount, the line's basis says what it was
before.
*/
create or replace function pgledger.plan_usage_lines(
  subscription pgledger.subscriptions,
  for_period timestamptz,
  first_stay pgledger.billing_segment,
  stays pgledger.billing_segment[],
  has_billed boolean,
  for_invoice pgledger.invoices,
  exponent integer
)
returns setof pgledger.invoice_lines
language plpgsql
stable
parallel safe
as $$
declare
  v_plan_key bigint := stays[1].plan_key;
  v_charge record;
  v_line pgledger.invoice_lines;
begin
  v_line.subscription_key := subscription.key;
  v_line.for_period := for_period;
  v_line.discount := 0;
  v_line.tax := 0;
  v_line.plan_key := v_plan_key;
  v_line.period_start := stays[1].starts_at;
  v_line.period_end := stays[cardinality(stays)].ends_at;
  for v_charge in
    select
      charge.description, charge.feature_key, charge.unit_amount, charge.basis, charge.quantity,
      charge.amount, charge.true_up, charge.cap, charge.counted, charge.events,
      null::numeric as gross_amount, null::numeric as gross_true_up, null::numeric as gross_cap
    from pgledger.usage_charges(
      array(select price from pgledger.priced_features(subscription, v_plan_key) as price),
      first_stay.starts_at, stays, v_plan_key = first_stay.plan_key, subscription.time_zone,
      exponent
    ) as charge
  loop
    if has_billed then
      select
        rest.quantity, rest.amount, rest.true_up, rest.cap, rest.events, rest.gross_amount,
        rest.gross_true_up, rest.gross_cap
      into
        v_charge.quantity, v_charge.amount, v_charge.true_up, v_charge.cap, v_charge.events,
        v_charge.gross_amount, v_charge.gross_true_up, v_charge.gross_cap
      from pgledger.less_billed_usage(
        subscription.key, for_period, for_invoice, v_plan_key, v_charge.feature_key, exponent,
        v_charge.quantity, v_charge.amount, v_charge.true_up, v_charge.cap, v_charge.events
      ) as rest;
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
    v_line.amount := v_charge.amount;
    v_line.counted := v_charge.counted;
    v_line.events := v_charge.events;
    v_line.basis := v_charge.basis;
    if v_charge.gross_amount is not null then
      v_line.basis := v_line.basis || jsonb_build_object('gross', v_charge.gross_amount::text);
    end if;
    return next v_line;

    if coalesce(v_charge.gross_true_up, v_charge.true_up) <> 0 then
      return next pgledger.bound_line(
        v_line, 'true_up', ', up to the minimum', v_charge.true_up, v_charge.gross_true_up
      );
    end if;
    if coalesce(v_charge.gross_cap, v_charge.cap) <> 0 then
      return next pgledger.bound_line(
        v_line, 'cap', ', down to the maximum', v_charge.cap, v_charge.gross_cap
      );
    end if;
  end loop;
end;
$$;

comment on function pgledger.plan_usage_lines is
  'Lines for the usage in the stays of a period on a plan that is not billed yet.';

revoke all on function pgledger.plan_usage_lines from public;
