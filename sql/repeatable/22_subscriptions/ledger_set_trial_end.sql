/*
A trial that ends at once is written down as ended, with the period that follows. Nothing is written
if the trial ends at that time already.

Locks the subscription, and first writes what has become due for it.
Checks, in this order: app_id, tenant_id, id, existence, trial_end, status, whether there is a
trial.
*/
create or replace function @extschema@.ledger_set_trial_end(
  app_id text,
  tenant_id text,
  id text,
  trial_end timestamptz
)
returns @extschema@.ledger_subscription
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.subscriptions := pgledger.lock_subscription(app_id, tenant_id, id);
  v_now timestamptz := pgledger.subscription_clock(v_old);
  v_new pgledger.subscriptions := pgledger.advance_subscription(v_old, v_now);
  v_end timestamptz := coalesce(trial_end, v_now);
  v_fault text;
  v_ok boolean;
begin
  v_fault := pgledger.time_fault(v_end);
  if v_fault is null and v_end is distinct from v_new.trial_end then
    v_fault := case
      when v_new.status = 'scheduled' and v_end <= v_new.started_at
        then format('the subscription starts at %s', v_new.started_at)
      when v_end < v_now then 'it is in the past'
    end;
  end if;
  if v_fault is not null then
    v_ok := pgledger.fail('InvalidTime', array['trial_end', v_end::text, v_fault]);
  elsif trial_end = v_new.trial_end then
    return pgledger.subscription_with_key(v_new.key);
  elsif v_new.status = 'canceled' or (v_new.trial_end > v_now) is not true then
    v_ok := pgledger.refuse_subscription_change(
      v_new,
      'one whose trial ends at ' || v_end,
      'Only a trial that goes on, or is still to begin, can be made longer or shorter.'
    );
  end if;

  v_new := pgledger.with_trial_end(v_new, v_end, v_now);
  v_new := pgledger.note_subscription_change(v_new, 'trial_changed', v_now, v_now);
  v_new := pgledger.advance_subscription(v_new, v_now, to_store => false);
  return pgledger.store_subscription(v_new);
end;
$$;

comment on function @extschema@.ledger_set_trial_end is
$$Makes a trial longer or shorter, or ends it now.

Where periods count from the end of the trial, they count from the new one:
the anchor moves with it. Where they do not, periods stay as they are. A
cancellation that was to take effect with the trial's end does so at the new
one. Limits for a day, week, month or year move with the anchor.

app_id: App.
tenant_id: Tenant whose it is.
id: Id of the subscription: one in its trial, paused or not, or scheduled and
  with a trial to come.
trial_end: When the trial is to end, not in the past; null for now.

Returns: The subscription; with the same version as before if the trial ends
  at that time already.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound (the
  tenant has no such subscription), InvalidTime (trial_end is in the past, not
  after a start that is still to come, or outside the years 1 to 9999),
  InvalidState (it has no trial that goes on or is to come).$$;

revoke all on function @extschema@.ledger_set_trial_end from public;
grant execute on function @extschema@.ledger_set_trial_end to pgledger_poster;
