/*
The parts of a period for which its base fee is charged, in order: those in which the subscription
was active. If it was canceled in the period without anything to be given back, a plan that is
billed in advance is charged as if the subscription had gone on to the period's end as it was just
before: a paused one had gone on paused. A cancellation that was decided before the period began
only ends it.
*/
create or replace function pgledger.charged_segments(
  subscription pgledger.subscriptions,
  for_period timestamptz,
  segments pgledger.billing_segment[]
)
returns pgledger.billing_segment[]
language plpgsql
stable
parallel safe
as $$
declare
  v_part pgledger.billing_segment;
  v_parts pgledger.billing_segment[] := '{}';
  v_last pgledger.billing_segment := segments[cardinality(segments)];
  v_before pgledger.billing_segment := segments[cardinality(segments) - 1];
begin
  foreach v_part in array segments loop
    if v_part.status = 'active' then
      v_parts := v_parts || v_part;
    end if;
  end loop;

  if v_last.status = 'canceled'
    and v_before.status = 'active'
    and subscription.unused_time = 'none'
    and subscription.canceled_at >= for_period
    and pgledger.base_terms(v_before.plan_key, segments, for_period) ->> 'billed' = 'advance' then
    v_parts[cardinality(v_parts)].ends_at := v_last.ends_at;
  end if;
  return v_parts;
end;
$$;

comment on function pgledger.charged_segments is
  'The parts of a period for which its base fee is charged.';

revoke all on function pgledger.charged_segments from public;
