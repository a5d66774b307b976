/*
When until a time a subscription is active or in its trial, in parts: a part ends where plan, status
or period change. entered_at is when the plan was entered in the part's period. It makes no
difference how far ledger_advance has written down what the clock has made due.
*/
create or replace function pgledger.subscription_times(
  subscription pgledger.subscriptions,
  until timestamptz
)
returns table (
  starts_at timestamptz,
  ends_at timestamptz,
  plan_key bigint,
  status text,
  entered_at timestamptz
)
language plpgsql
stable
parallel safe
as $$
declare
  v_end timestamptz := coalesce(subscription.cancel_at, 'infinity');
  v_part record;
begin
  for v_part in
    select
      change.occurred_at, change.plan_key, change.status, change.period_end,
      lead(change.occurred_at) over written as next_at,
      min(change.occurred_at) over (partition by change.period_start, change.plan_key) as entered_at
    from pgledger.subscription_changes as change
    where change.subscription_key = subscription.key
    window written as (order by change.version)
    order by change.version
  loop
    starts_at := v_part.occurred_at;
    plan_key := v_part.plan_key;
    status := v_part.status;
    entered_at := v_part.entered_at;
    ends_at := coalesce(v_part.next_at, v_end);
    if status = 'scheduled' and v_part.next_at is null then
      starts_at := subscription.started_at;
      entered_at := starts_at;
      status := case when subscription.trial_end is null then 'active' else 'trialing' end;
    end if;
    if status = 'trialing' and v_part.next_at is null then
      ends_at := least(v_end, subscription.trial_end);
    end if;
    exit when starts_at >= until;
    continue when status not in ('trialing', 'active');

    if v_part.next_at is null and status = 'trialing' then
      return next;
      status := 'active';
      starts_at := ends_at;
      ends_at := v_end;
    end if;
    -- What follows the last change is one part for each of the periods that have begun since.
    while v_part.next_at is null and starts_at < least(until, v_end) loop
      ends_at := least(v_end, v_part.period_end);
      if starts_at >= v_part.period_end then
        entered_at := starts_at;
        ends_at := least(v_end, (pgledger.subscription_period(subscription, starts_at)).ends_at);
      end if;
      return next;
      starts_at := ends_at;
    end loop;
    if v_part.next_at is not null and starts_at < ends_at then
      return next;
    end if;
  end loop;
end;
$$;

comment on function pgledger.subscription_times is
  'When until a time a subscription is active or in its trial, and on which plan.';

revoke all on function pgledger.subscription_times from public;
