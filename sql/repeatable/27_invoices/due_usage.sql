/*
What usage in a subscription's period comes to as known now, for each plan in the order in which
they were active, and each of its prices. It goes by what the tenant's subscriptions were when, by
the plans' terms and by usage, and never by when somebody looked. Only a plan that has been billed
keeps the prices that it was billed at; is_closed leaves out all others.

Without a rival the prices of a plan share their times, and so one look at usage.
*/
create or replace function pgledger.due_usage(
  subscription pgledger.subscriptions,
  segments pgledger.billing_segment[],
  bills pgledger.billed_charge[],
  is_closed boolean,
  exponent integer,
  items text[]
)
returns pgledger.usage_charge[]
language plpgsql
stable
parallel safe
as $$
declare
  v_stays pgledger.billing_segment[] := pgledger.billing_stays(segments);
  v_first pgledger.billing_segment := v_stays[1];
  v_until timestamptz := v_stays[cardinality(v_stays)].ends_at;
  v_rivals pgledger.rival_time[] := pgledger.rival_times(subscription, v_first.starts_at, v_until);
  v_has_rivals boolean := cardinality(v_rivals) > 0;
  v_stay pgledger.billing_segment;
  v_plans bigint[] := '{}';
  v_is_billed boolean;
  v_billed pgledger.priced_feature[];
  v_prices pgledger.priced_feature[];
  v_own pgledger.billing_segment[] := v_stays;
  v_charges pgledger.usage_charge[] := '{}';
begin
  subscription.time_zone := pgledger.zone_of_period(subscription, segments[1].starts_at);
  foreach v_stay in array v_stays loop
    continue when v_stay.plan_key = any(v_plans);
    v_plans := v_plans || v_stay.plan_key;
    v_billed := '{}';
    if cardinality(bills) > 0 then
      v_billed := pgledger.billed_features(subscription, v_stay.plan_key, bills);
    end if;
    v_is_billed := cardinality(v_billed) > 0;
    continue when is_closed and not v_is_billed;
    v_prices := '{}';
    if not is_closed then
      v_prices := pgledger.priced_features(
        subscription, v_stay.plan_key, pgledger.plan_entered_at(segments, v_stay.plan_key)
      );
    end if;
    if v_is_billed then
      v_prices := v_billed || array(
        select price
        from unnest(v_prices) as price
        where price.feature_key not in (
          select billed.feature_key from unnest(v_billed) as billed
        )
      );
    end if;
    for v_place in reverse cardinality(v_prices) .. 1 loop
      if v_prices[v_place].feature_key <> all(items) then
        v_prices := v_prices[:v_place - 1] || v_prices[v_place + 1:];
      end if;
    end loop;
    for v_place in 1 .. case
      when v_has_rivals then cardinality(v_prices) else least(cardinality(v_prices), 1)
    end loop
      if v_has_rivals then
        v_own := pgledger.unrivalled_stays(
          subscription, segments, v_stays, v_rivals, v_prices[v_place].feature_key
        );
        v_prices[v_place] := pgledger.with_added_allowance(
          v_prices[v_place], v_own, v_stay.plan_key, v_rivals
        );
      end if;
      v_charges := v_charges || pgledger.usage_charges(
        case when v_has_rivals then v_prices[v_place:v_place] else v_prices end,
        v_own, v_first.starts_at, v_until, v_stay.plan_key, v_stay.plan_key = v_first.plan_key,
        v_is_billed, subscription.time_zone, exponent
      );
    end loop;
  end loop;
  return v_charges;
end;
$$;

comment on function pgledger.due_usage is
  'What usage in a period comes to as known now, by plan and feature.';

revoke all on function pgledger.due_usage from public;
