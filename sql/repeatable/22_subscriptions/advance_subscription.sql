/*
Moves a subscription to what it is at that time, inclusive: writes each change that has become due
by the clock, in the order in which it happened, and returns the subscription. The caller has locked
its row, and writes it itself unless to_store.

At one and the same time, a trial ends first, then a cancellation takes effect, and only what goes
on starts, or starts a period. Each of these is a change of its own, so that no period is left out,
however late the call is. What cannot start yet, because the tenant has another live subscription,
stays scheduled.

A call that is for many subscriptions, or creates one, gives each at_most so many changes, and those
at the time of the last one: a subscription that is years behind is moved on by several calls. What
they leave is written as if the clock had not been further.

Locks the tenant's live subscription if its cancellation is due and this one starts.
Errors: UnknownTimeZone.
*/
create or replace function pgledger.advance_subscription(
  subscription pgledger.subscriptions,
  until timestamptz,
  to_store boolean default true,
  at_most integer default null
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
  v_ok boolean;
begin
  while subscription.due_at <= until loop
    exit when subscription.version >= v_version + at_most and subscription.due_at > v_at;
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
    elsif subscription.status = 'scheduled' then
      exit when not pgledger.take_live_place(subscription);
      v_change := 'started';
      subscription.status := case
        when subscription.trial_end is null then 'active' else 'trialing'
      end;
    else
      v_change := 'period_started';
      v_ok := pgledger.check_zones(subscription);
      subscription := pgledger.enter_period(subscription, v_at);
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
  'Moves a locked subscription to that time: ends of trials, cancellations and periods due.';

revoke all on function pgledger.advance_subscription from public;
