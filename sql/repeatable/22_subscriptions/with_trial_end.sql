/*
A subscription whose trial, which goes on or is still to begin, ends at another time, not before at.
Where periods count from the trial's end they still do, and the trial is a period by itself. A
cancellation at the end of the trial moves with it. A trial that ends at once is over when the
caller has moved the subscription to now. The period after it begins with that; here, if the clock
moves nothing in a pause, or the trial has only just begun and would leave an empty period.
*/
create or replace function pgledger.with_trial_end(
  subscription pgledger.subscriptions,
  trial_end timestamptz,
  at timestamptz
)
returns pgledger.subscriptions
language plpgsql
volatile
parallel unsafe
as $$
begin
  if subscription.anchor_at = subscription.trial_end then
    subscription.anchor_at := trial_end;
    subscription.current_period_end := trial_end;
  end if;
  subscription.trial_end := trial_end;
  if subscription.cancel_at_period_end then
    subscription.cancel_at := trial_end;
  end if;
  if subscription.current_period_end = at
    and (subscription.status = 'paused' or subscription.current_period_start = at) then
    subscription := pgledger.enter_period(subscription, at);
  end if;
  return subscription;
end;
$$;

comment on function pgledger.with_trial_end is
  'A subscription whose trial ends at another time, with what counts from there.';

revoke all on function pgledger.with_trial_end from public;
