/*
What usage of a feature in a period that has been billed comes to with what was reported since, by
the price that it was billed at.
*/
create or replace function pgledger.charge_as_billed(
  subscription pgledger.subscriptions,
  for_period timestamptz,
  plan_key bigint,
  price pgledger.priced_feature,
  exponent integer,
  out quantity numeric,
  out amount numeric,
  out counted numeric,
  out events bigint
)
language plpgsql
stable
parallel safe
as $$
declare
  v_stays pgledger.billing_segment[] := pgledger.billing_stays(
    pgledger.billing_segments(subscription, for_period)
  );
begin
  select
    charge.quantity, charge.amount + charge.true_up + charge.cap, charge.counted, charge.events
  into
    charge_as_billed.quantity, charge_as_billed.amount, charge_as_billed.counted,
    charge_as_billed.events
  from pgledger.usage_charges(
    array[price],
    v_stays[1].starts_at,
    array(
      select stay from unnest(v_stays) as stay where stay.plan_key = charge_as_billed.plan_key
    ),
    charge_as_billed.plan_key = v_stays[1].plan_key,
    pgledger.zone_of_period(subscription, for_period),
    exponent
  ) as charge;
end;
$$;

comment on function pgledger.charge_as_billed is
  'What usage in a period that has been billed comes to by now, by the price it was billed at.';

revoke all on function pgledger.charge_as_billed from public;
