/*
Writes down what the clock has decided about a subscription until that time, inclusive, in the order
in which it happened, and returns it as it is then. Its row is locked; whoever does not have it
stored writes it.

At one and the same time a trial ends first, then what was cancelled ends, and only what goes on
starts a period. Each is a change of its own, so that no period is left out, however late it is.
*/
create or replace function pgledger.advance_subscription(
  subscription pgledger.subscriptions,
  until timestamptz,
  to_store boolean default true
)
returns pgledger.subscriptions
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_version bigint := subscription.version;
  v_now timestamptz;
  v_at timestamptz;
  v_change text;
begin
  while subscription.due_at <= until loop
    v_now := coalesce(v_now, pgledger.clock());
    v_at := subscription.due_at;

    if subscription.status = 'trialing' and subscription.trial_end = v_at then
      v_change := 'trial_ended';
      subscription.status := 'active';
    elsif subscription.cancel_at = v_at then
      v_change := 'canceled';
      subscription.status := 'canceled';
      subscription.paused_at := null;
      subscription.ended_at := v_at;
    else
      v_change := 'period_started';
      select period.number, period.starts_at, period.ends_at
      into
        subscription.period_number,
        subscription.current_period_start,
        subscription.current_period_end
      from pgledger.subscription_period(subscription, v_at) as period;
    end if;

    subscription := pgledger.note_subscription_change(subscription, v_change, v_at, v_now);
  end loop;

  if to_store and subscription.version > v_version then
    perform pgledger.write_subscription(subscription);
  end if;
  return subscription;
end;
$$;

comment on function pgledger.advance_subscription is
  'Moves a locked subscription on to that time: trial, cancellation and periods that are due.';

revoke all on function pgledger.advance_subscription from public;
