/*
Lines for the base fee of the period that follows one, if it is paid in advance and follows without
a gap: what is due of it as known by now, less what has been billed. As long as the period before is
not over, the next one is taken to follow as if nothing else happened.
*/
create or replace function pgledger.next_base_lines(
  subscription pgledger.subscriptions,
  ends_at timestamptz,
  next_version bigint,
  is_over boolean,
  for_invoice pgledger.invoices,
  exponent integer
)
returns pgledger.invoice_lines[]
language plpgsql
stable
parallel safe
as $$
declare
  v_next record;
  v_segments pgledger.billing_segment[];
begin
  if next_version is not null then
    select change.period_start, change.status
    into v_next
    from pgledger.subscription_changes as change
    where change.subscription_key = subscription.key and change.version = next_version;
    if v_next.period_start <> ends_at or v_next.status <> 'active' then
      return '{}';
    end if;
    v_segments := pgledger.billing_segments(subscription, ends_at);
  elsif is_over or subscription.status not in ('trialing', 'active')
    or subscription.cancel_at <= ends_at
    or subscription.status = 'trialing' and subscription.trial_end > ends_at then
    return '{}';
  else
    select
      pgledger.cut_at_cancellation(
        subscription,
        array[
          row(
            next_base_lines.ends_at, period.ends_at, subscription.plan_key,
            subscription.quantity, 'active', next_base_lines.ends_at, period.ends_at
          )::pgledger.billing_segment
        ]
      )
    into v_segments
    from pgledger.subscription_period(subscription, ends_at) as period;
  end if;

  return pgledger.base_lines(subscription, ends_at, v_segments, true, for_invoice, exponent);
end;
$$;

comment on function pgledger.next_base_lines is
  'Lines for the base fee of the period that follows one, if it is paid in advance.';

revoke all on function pgledger.next_base_lines from public;
