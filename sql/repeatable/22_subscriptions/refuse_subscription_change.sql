/*
Raises that a subscription cannot become what was asked for, because of its status. The message puts
the target after "cannot become". A hint takes the place of that for the status.

Errors: InvalidState.
*/
create or replace function pgledger.refuse_subscription_change(
  subscription pgledger.subscriptions,
  target text,
  hint text default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  return pgledger.fail(
    'InvalidState',
    array['subscription', subscription.id, subscription.status, target],
    hint => case
      when hint is not null then hint
      when subscription.status = 'canceled'
        then 'It has ended for good. Subscribe again with ledger_create_subscription.'
      when subscription.status = 'paused'
        then 'Resume it first with ledger_resume_subscription.'
      when subscription.status = 'scheduled'
        then 'It has not begun. Until then its plan, quantity and end can be changed.'
    end
  );
end;
$$;

comment on function pgledger.refuse_subscription_change is
  'Raises InvalidState: a subscription of its status cannot become what was asked for.';

revoke all on function pgledger.refuse_subscription_change from public;
