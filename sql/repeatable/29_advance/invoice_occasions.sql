/*
The invoices that a subscription's changes since the last look ask for, in the order in which their
drafts have to become final.

An invoice of kind period: for each period that has ended, except one that was a trial all through.
Of kind start: for each period that began or went on active. Whoever draws it up skips it if the
base fee has been billed, as it is by the invoice of the period before where that has_next, that is
where the one follows the other without a gap. A change at the moment at which the subscription is
canceled begins nothing. Of kind change: for each change that is to be invoiced at once.

Several changes can ask for the same invoice: the answer has it once, as the first asks for it. With
with_drafts, also drafts that can become final by now, as of version 0.

Changes after until_version are left to later.
*/
create or replace function pgledger.invoice_occasions(
  subscription pgledger.subscriptions,
  with_drafts boolean,
  until_version bigint
)
returns pgledger.invoice_occasion[]
language plpgsql
stable
parallel safe
as $$
declare
  v_changes pgledger.subscription_changes[] := array(
    select subscription_changes
    from pgledger.subscription_changes
    where subscription_changes.subscription_key = subscription.key
      and subscription_changes.version between subscription.invoiced_version and until_version + 1
    order by subscription_changes.version
  );
  v_before pgledger.subscription_changes;
  v_change pgledger.subscription_changes;
  v_next pgledger.subscription_changes := v_changes[1];
  v_occasions pgledger.invoice_occasion[] := '{}';
begin
  for v_place in 1 .. cardinality(v_changes) loop
    v_before := v_change;
    v_change := v_next;
    v_next := v_changes[v_place + 1];
    continue when v_change.version not between subscription.invoiced_version + 1 and until_version;

    if v_before.period_start <> v_change.period_start and (
      v_before.change <> 'trial_ended'
      or v_before.occurred_at <> v_before.period_end
      or exists (
        select
        from pgledger.subscription_changes
        where subscription_changes.subscription_key = subscription.key
          and subscription_changes.version < v_before.version
          and subscription_changes.period_start = v_before.period_start
          and subscription_changes.status = 'active'
      )
    ) then
      v_occasions := v_occasions || row(
        v_before.period_start, 3, 0, v_change.version, 'period',
        v_change.status = 'active'
        and v_change.period_start = least(v_before.period_end, v_change.occurred_at)
      )::pgledger.invoice_occasion;
    end if;
    -- Not before it began.
    if v_change.change = 'canceled' and v_change.occurred_at >= v_change.period_start then
      v_occasions := v_occasions || row(
        v_change.period_start, 3, 0, v_change.version, 'period', false
      )::pgledger.invoice_occasion;
    end if;
    if v_change.status = 'active' and v_change.change in (
      'created', 'started', 'trial_ended', 'period_started', 'plan_changed', 'resumed'
    ) and (v_next.change = 'canceled' and v_next.occurred_at = v_change.occurred_at) is not true
    then
      v_occasions := v_occasions || row(
        v_change.period_start, 1, 0, v_change.version, 'start', false
      )::pgledger.invoice_occasion;
    end if;
    if v_change.invoice_now then
      v_occasions := v_occasions || row(
        v_change.period_start, 2, v_change.version, v_change.version, 'change', false
      )::pgledger.invoice_occasion;
    end if;
  end loop;
  if until_version = subscription.version
    and subscription.status = 'paused'
    and subscription.current_period_end <= pgledger.clock() then
    v_occasions := v_occasions || row(
      subscription.current_period_start, 3, 0, subscription.version, 'period', false
    )::pgledger.invoice_occasion;
  end if;
  return pgledger.occasions_in_order(
    v_occasions || case
      when with_drafts then pgledger.drafts_to_finalize(subscription, until_version)
    end
  );
end;
$$;

comment on function pgledger.invoice_occasions is
  'The invoices that a subscription''s changes since the last look ask for.';

revoke all on function pgledger.invoice_occasions from public;
