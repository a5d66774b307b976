/*
The parts of a period for which its base fee is charged, in order, with their prices, and from which
to which of the period's units (days, seconds) each of them reaches.

A day is reached by each part that has a moment of it, so two parts can reach the same day. If the
period was ended by a change to another interval, the day of that change is the next period's.
What has been billed keeps the price at which it was billed.
*/
create or replace function pgledger.base_parts(
  subscription pgledger.subscriptions,
  for_period timestamptz,
  segments pgledger.billing_segment[],
  for_invoice pgledger.invoices
)
returns table (
  place bigint,
  plan_key bigint,
  quantity numeric,
  price numeric,
  proration text,
  starts_at timestamptz,
  ends_at timestamptz,
  since numeric,
  until numeric,
  length numeric
)
language plpgsql
stable
parallel safe
as $$
declare
  v_last pgledger.billing_segment := segments[cardinality(segments)];
  v_proration text := pgledger.base_terms(segments[1].plan_key, segments, for_period)
    ->> 'proration';
  v_length numeric := pgledger.proration_unit(
    v_last.whole_end, v_last.whole_start, v_last.whole_end, subscription.time_zone, v_proration
  );
  v_limit numeric := case
    when v_last.status <> 'canceled' then pgledger.proration_unit(
      v_last.ends_at, v_last.whole_start, v_last.whole_end, subscription.time_zone, v_proration
    )
    else v_length
  end;
begin
  return query
  select
    part.nth, part.plan_key, part.quantity,
    coalesce(
      billed.price,
      (pgledger.base_terms(part.plan_key, segments, for_period) ->> 'amount')::numeric,
      0
    ),
    v_proration, part.starts_at, part.ends_at, reach.since, least(reach.until, v_limit), v_length
  from unnest(pgledger.charged_segments(subscription, for_period, segments)) with ordinality
    as part (
      starts_at, ends_at, plan_key, quantity, status, whole_start, whole_end, nth
    )
  left join pgledger.billed_base(subscription.key, for_period, for_invoice) as billed
    on part.plan_key = billed.plan_key and part.quantity = billed.quantity
  cross join lateral (
    select
      pgledger.proration_unit(
        part.starts_at, v_last.whole_start, v_last.whole_end, subscription.time_zone, v_proration
      ) as since,
      case
        when v_proration = 'second' or part.ends_at >= v_last.whole_end
          then pgledger.proration_unit(
            part.ends_at, v_last.whole_start, v_last.whole_end, subscription.time_zone, v_proration
          )
        else 1 + pgledger.proration_unit(
          part.ends_at - interval '1 microsecond', v_last.whole_start, v_last.whole_end,
          subscription.time_zone, v_proration
        )
      end as until
  ) as reach;
end;
$$;

comment on function pgledger.base_parts is
  'The parts of a period for which its base fee is charged, with prices and units.';

revoke all on function pgledger.base_parts from public;
