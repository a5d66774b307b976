/*
The period of a subscription in which a time lies, as it turned out: it ends early where another
period began or the subscription ended. Null where there is none: before the subscription began,
after it ended, and in a pause. is_over says that nothing that happens from now on can lie in it.
next_version is that of the change which follows the period's last one, if there is any.
*/
create or replace function pgledger.billing_period(
  subscription pgledger.subscriptions,
  at timestamptz,
  out starts_at timestamptz,
  out ends_at timestamptz,
  out is_over boolean,
  out next_version bigint
)
language plpgsql
stable
parallel safe
as $$
declare
  v_last record;
begin
  select
    change.version, change.status, change.occurred_at, change.period_start, change.period_end
  into v_last
  from pgledger.subscription_changes as change
  where change.subscription_key = subscription.key
    and change.period_start <= billing_period.at
  order by change.version desc
  limit 1;

  if v_last.status = 'canceled' then
    ends_at := least(v_last.period_end, v_last.occurred_at);
    is_over := true;
  else
    select least(v_last.period_end, change.occurred_at), change.version, true
    into billing_period.ends_at, next_version, is_over
    from pgledger.subscription_changes as change
    where change.subscription_key = subscription.key and change.version = v_last.version + 1;
    ends_at := coalesce(ends_at, v_last.period_end);
    is_over := coalesce(is_over, ends_at <= pgledger.clock());
  end if;
  starts_at := v_last.period_start;

  -- A period that was canceled at its very start may have been billed before.
  if v_last.status = 'scheduled'
    or (at < ends_at or (v_last.status = 'canceled' and at = starts_at and at = ends_at))
    is not true then
    starts_at := null;
    ends_at := null;
  end if;
end;
$$;

comment on function pgledger.billing_period is
  'The period of a subscription in which a time lies, as it turned out.';

revoke all on function pgledger.billing_period from public;
