/*
Reads what a call asks an invoice for: the period in which a time lies, by default the current one,
and the invoice's own start, which for an interim invoice is where the last final one ended.
change_version says for kind change which change the invoice is for: the last one of the period.

Errors: NullArgument, InvalidArgument, InvalidTime, InvalidInvoice, UsagePurged.
*/
create or replace function pgledger.invoice_request(
  subscription pgledger.subscriptions,
  at timestamptz,
  kind text,
  tax_rates jsonb,
  out period_start timestamptz,
  out change_version bigint
)
language plpgsql
stable
parallel safe
as $$
declare
  v_at timestamptz := coalesce(at, subscription.current_period_start);
  v_period record;
  v_ok boolean;
begin
  v_ok := pgledger.check_choice('kind', kind, array['period', 'start', 'change', 'interim']);
  if pgledger.time_fault(v_at) is not null then
    v_ok := pgledger.fail('InvalidTime', array['at', at::text, pgledger.time_fault(v_at)]);
  end if;
  if tax_rates is not null then
    v_ok := pgledger.check_tax_rates(tax_rates);
  end if;

  v_period := pgledger.billing_period(subscription, v_at);
  period_start := v_period.starts_at;
  if period_start is null then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'at', v_at::text, format('subscription %s has no period at that time', subscription.id)
      ]
    );
  end if;

  if kind = 'start' and not exists (
    select
    from pgledger.subscription_changes as change
    where change.subscription_key = subscription.key
      and change.period_start = invoice_request.period_start
      and change.status = 'active'
  ) then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'kind', '''start''',
        format('subscription %s was not active in the period of %s', subscription.id, v_at)
      ]
    );
  elsif kind = 'change' then
    change_version := pgledger.last_change(subscription, period_start, v_at);
  elsif kind in ('period', 'interim') then
    v_ok := pgledger.check_usage_not_purged(subscription, kind, period_start);
  end if;
  if kind = 'interim' then
    period_start := pgledger.interim_start(subscription.key, v_period.starts_at, v_period.ends_at);
  end if;
end;
$$;

comment on function pgledger.invoice_request is
  'Reads what a call asks an invoice for; raises what is wrong with it.';

revoke all on function pgledger.invoice_request from public;
