/*
The parts of a period of a subscription with a cancellation that is decided and still ahead: where
it lies in the last part, the subscription is canceled from there on.
*/
create or replace function pgledger.cut_at_cancellation(
  subscription pgledger.subscriptions,
  segments pgledger.billing_segment[]
)
returns pgledger.billing_segment[]
language plpgsql
immutable
parallel safe
as $$
declare
  v_count integer := cardinality(segments);
  v_last pgledger.billing_segment := segments[v_count];
begin
  if (subscription.cancel_at < v_last.ends_at and v_last.status in ('trialing', 'active'))
    is not true then
    return segments;
  elsif subscription.cancel_at <= v_last.starts_at then
    segments[v_count].status := 'canceled';
    return segments;
  end if;

  segments[v_count].ends_at := subscription.cancel_at;
  v_last.starts_at := subscription.cancel_at;
  v_last.status := 'canceled';
  return segments || v_last;
end;
$$;

comment on function pgledger.cut_at_cancellation is
  'The parts of a period with a cancellation that is decided and still ahead.';

revoke all on function pgledger.cut_at_cancellation from public;
