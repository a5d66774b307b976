/*
The parts of a subscription's period, in order: a part ends where plan, quantity or status changed.
Invoices are computed from them. The last part goes on to the period's end as far as is known: a
trial that still goes on is followed by what comes after it, and a cancellation that is decided ends
it.
*/
create or replace function pgledger.billing_segments(
  subscription pgledger.subscriptions,
  period_start timestamptz
)
returns pgledger.billing_segment[]
language plpgsql
stable
parallel safe
as $$
declare
  v_segments pgledger.billing_segment[];
  v_last pgledger.billing_segment;
begin
  select
    array_agg(
      row(
        part.occurred_at, part.ends_at, part.plan_key, part.quantity, part.status,
        part.whole_start, part.period_end
      )::pgledger.billing_segment
      order by part.version
    )
  into v_segments
  from (
    select
      change.version, change.occurred_at, change.plan_key, change.quantity, change.status,
      change.whole_start, change.period_start, change.period_end,
      least(
        coalesce(lead(change.occurred_at) over (order by change.version), change.period_end),
        change.period_end
      ) as ends_at
    from pgledger.subscription_changes as change
    where change.subscription_key = subscription.key
      and change.status <> 'scheduled'
      and change.period_start >= billing_segments.period_start
  ) as part
  where part.period_start = billing_segments.period_start and part.occurred_at < part.ends_at;

  v_last := v_segments[cardinality(v_segments)];
  if v_last.status = 'trialing' and subscription.status = 'trialing'
    and subscription.trial_end < v_last.ends_at then
    v_segments[cardinality(v_segments)].ends_at := subscription.trial_end;
    v_last.starts_at := subscription.trial_end;
    v_last.status := 'active';
    v_segments := v_segments || v_last;
  end if;
  return coalesce(pgledger.cut_at_cancellation(subscription, v_segments), '{}');
end;
$$;

comment on function pgledger.billing_segments is
  'The parts of a subscription''s period in which plan, quantity and status stayed.';

revoke all on function pgledger.billing_segments from public;
